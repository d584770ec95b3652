"""Writes Firmware/RESULTS.md and Firmware/results.json from counted runs; see `make firmware-report`.

usage: report.py symbols NM      a list of functions with their stages, for Counter/instructions.c, from demangled `nm -S`
       report.py write FOLDER    the tables, from FOLDER/BOARD.MODEL.{counts,nm,txt}
       report.py sensed NM       a list for a model of sensed beats, or from NAME.counts what a block and a beat take
       report.py signals         the transform's signals and twiddles as C
       report.py code NM         the runtime's bytes of code
       report.py monitor NM      of which the monitor's
       report.py sizes FOLDER    Sources/HostDevice/Costs/CodeSizes.swift, from FOLDER/CORE.sizes
       report.py traps DIS JSON NAME  counts the instructions that stop a core, and holds them to NAME's in the JSON
       report.py feed COUNTS HEADER LISTING GUIDE  holds a call of quantinfer_monitor_feed to what header and guide say
       report.py main-loop NM    a list for calls of quantinfer_monitor_work and quantinfer_monitor_next, see Counter/work.c
       report.py main-loop COUNTS LINES INSPECT GUIDE  holds each call to what the guide says
       report.py stream LINES JSON...  compares a board's decisions with those of `device-sim stream --json`, run by run
       report.py memory NM JSON  checks the example's variables against `exporter inspect --json`
"""

import cmath
import json
import math
import pathlib
import re
import statistics
import sys

import mlperf
import timing
import units

HERE = pathlib.Path(__file__).parent

# The stage of a function, by its demangled name; the first pattern that fits. Others are helpers.
STAGES = [
    (r"Firmware\.|CRC32|board_|payload_|Firmware_main|\bmain$|Model\.init|WholeWindow|\bstart$", "rest"),
    (r"StreamingPipeline\.init|StreamingPipeline\.reset|forgetColumns|isWindowFull|SavedState|restore|isSound", "rest"),
    (r"^quantinfer_monitor_feed$", "*feed"),
    (r"OperatorRunner\.run\(", "*operator"),
    (r"StreamingPipeline\.\(runTail", "*decision"),
    (r"StreamingPipeline\.\(compute in", "*layer"),
    (r"^qi_folded_bins$|^whole_transform$", "*transform"),
    (r"^qi_level_codes$", "*logarithm"),
    (r"StreamingSpectrogram\.computeColumn|StreamingFrontEnd\.compute", "*window"),
    (r"StreamingPipeline\.\(flow", "*flow"),
    (r"StreamingPipeline\.(push\(|take<|pass<)", "*sample"),
    (r"BeatDetector\.push\(", "*detector"),
    (r"QuantInfer\.Monitor\.", "*monitor"),
]


# The same for a model of sensed beats: what blocks of samples, decisions and, of these, beats and networks take. What a device
# does of its own between these calls is not the library's.
SENSED = [
    (r"QuantInfer\.BeatNetwork\.run", "*network"),
    (r"QuantInfer\.BeatPipeline\.decide", "*beat"),
    (r"QuantInfer\.Monitor\.feed", "*feed"),
    (r"QuantInfer\.Monitor\.nextDecision", "*decision"),
    (r"QuantInfer\.Monitor\.addBeat", "*note"),
    (r"Firmware\.|CRC32|board_|Firmware_main|\bmain$|BeatDetector|Monitor\.(push|init|save|restore|reset)|Model\.init|^start$", "rest"),
]


# And for frames in blocks: columns and the network, what is checked of the record and the state, and what is left for each frame.
BLOCKS = [
    (r"^main$|^start$|board_|\.init|quantinfer_monitor_init|Model\.", "rest"),
    (r"StreamingPipeline\.\(flow|Spectrogram|StreamingFrontEnd\.computeColumn|StreamingPipeline\.\(compute(Linear)? in", "column"),
    (r"[Ss]ound|[Cc]hecksum|Guarded", "check"),
    (r"BeatDetector|BeatRules", "detector"),
    (r"SignalQuality", "watch"),
    (r"SampleWindow", "filter"),
    (r"quantinfer_monitor_push", "monitor"),
]


# And for what the main loop calls.
MAIN_LOOP = [
    (r"^quantinfer_monitor_work$", "*work"),
    (r"^quantinfer_monitor_next$", "*next"),
    (r"^main$|^start$|^run$|^put|board_|quantinfer_monitor_(init|feed)$|quantinfer_queue_init$", "rest"),
]

# The lines of the guide's table: what a call of the main loop takes at most.
MAIN_LOOP_LINES = {
    "empty": "`work` that finds no frame", "first": "`work` that takes one", "frame": "for each further frame",
    "column": "where a column ends with its last frame", "nothing": "`next` that finds no decision", "asleep": "`next` that says the network sleeps",
    "decision": "`next` with a decision", "burst": "`next` with the first decision after sleep",
}
# By how much a stated figure may be above the greatest that was counted.
SLACK = 1.3


def functions(nm):
    """Address, size, name of each function."""
    for line in open(nm):
        match = re.match(r"([0-9a-f]+) ([0-9a-f]+) [tTwW] (.*)", line)
        if match:
            yield match.group(1), match.group(2), match.group(3)


def target(file, states, what):
    """Fails unless a board took all samples, as many states were compared, and its counter moved."""
    result = json.load(open(file))["target"]
    ticks = result["ticks"]
    states_text = "1 state" if result["states"] == 1 else f"{result['states']} states"
    print(f"{result['address'].split('@')[0]} as a target{what}: {result['decisions']} decisions, {result['columns']} columns, "
          f"{states_text}, {result['differing']} differing; {ticks['perSecond']:,.0f} {ticks['unit']} a second")
    if result["differing"] or result.get("failure") or result["states"] != states or ticks["perSecond"] <= 0:
        sys.exit(1)


# quantinfer.h: why there is no result.
REASONS = {2: "flatLine", 3: "saturation", 4: "refilling", 5: "unsoundState", 6: "lowMargin"}
WINDOW_NOT_FULL = 1


def stream(lines, *reports):
    """Fails unless each decision of each run on a board is one that `device-sim stream` lists: time, beat, what is announced, logits."""
    runs, listed = [], []
    for words in map(str.split, pathlib.Path(lines).read_text().splitlines()):
        if words[0] == "decision":
            listed.append([int(word) for word in words[1:]])
        elif "times" in words:
            runs.append(listed)
            listed = []
    if len(runs) != len(reports) or not all(runs):
        sys.exit(f"error: {lines}: decisions of {len(runs)} runs, where {len(reports)} reports are given")
    told = []
    for decisions, file in zip(runs, reports):
        report = json.load(open(file))
        rate, output = report["sampleRateHz"], report["operations"]["operators"][-1]
        # A report leaves out what was asked before a window was full, and goes on to the record's end.
        made = [decision for decision in decisions if decision[2] != WINDOW_NOT_FULL]
        for (sample, beat, reason, asleep, label, *logits), expected in zip(made, report["decisionList"], strict=False):
            found = {"timeSeconds": sample / rate, "beatSeconds": beat / rate}
            said = "asleep" if asleep else REASONS.get(reason)
            found |= {"noResult": said} if said else {"announced": report["classNames"][label]}
            wanted = {key: expected[key] for key in expected if key in ("timeSeconds", "beatSeconds", "noResult", "announced")}
            codes = [round(each / output["scale"]) + output["zeroPoint"] for each in expected["fixedLogits"]]
            # Of what sleeps the report has an awake network's logits.
            if found != wanted or (not asleep and logits != codes):
                sys.exit(f"error: {lines}: {found} {logits}; {file} has {expected}, codes {codes}")
        if len(made) > len(report["decisionList"]):
            sys.exit(f"error: {lines}: {len(made)} decisions, {file} has {len(report['decisionList'])}")
        told.append(f"{len(made):,} {pathlib.Path(file).stem.removeprefix('stream-')}")
    print(f"{lines}: decisions as of device-sim stream, each with its beat, time, announcement and logits: {', '.join(told)}")


def feed(counts, header, listing, guide):
    """Fails unless a frame costs at most what the header says, and the function is as small as the guide says and calls nothing."""
    stated = int(re.search(r"At most (\d+) instructions on a Cortex-M4 for a frame", pathlib.Path(header).read_text()).group(1))
    found = calls(counts)["feed"]
    print(f"a frame by interrupt on the Cortex-M4: {max(found)} instructions at most in {len(found):,} calls; {stated} are stated")
    if max(found) > stated:
        sys.exit(1)
    text = pathlib.Path(listing).read_text().split("<quantinfer_monitor_feed>:\n")[1].split("\n\n")[0]
    places = [int(line.split(":")[0], 16) for line in text.splitlines()]
    leading = [line for line in text.splitlines() if re.search(r"\tblx?\s|<(?!quantinfer_monitor_feed\b)", line)]
    most = int(re.search(r"text\.quantinfer_monitor_feed\)`, at most (\d+) bytes", pathlib.Path(guide).read_text()).group(1))
    size = places[-1] + 2 - places[0]
    if leading or size > most:
        sys.exit(f"error: {guide}: quantinfer_monitor_feed has {size} bytes, {most} are stated, and must call nothing: {leading}")


def main_loop(counts, lines, inspect, guide):
    """Fails unless each call of the main loop took at most what the guide says, and what it says is near to the greatest."""
    stated = {part: int(re.search(rf"^\| {re.escape(text)} \| ([0-9,]+) \|", pathlib.Path(guide).read_text(), re.M).group(1).replace(",", ""))
              for part, text in MAIN_LOOP_LINES.items()}
    front = json.loads(pathlib.Path(inspect).read_text())["frontEnd"]
    window, hop = front["windowSamples"], front["hopSamples"]
    found, most, overs, is_asleep = calls(counts), dict.fromkeys(stated, 0), [], False
    places = dict.fromkeys(found, 0)
    for words in map(str.split, pathlib.Path(lines).read_text().splitlines()):
        if len(words) == 1:
            is_asleep = words[0] == "asleep"
            continue
        call, first, second = words[0], int(words[1]), int(words[2])
        took, shares = found[call][places[call]], 1
        places[call] += 1
        if call == "next":
            part = "nothing" if first == 0 else "burst" if second else "asleep" if is_asleep else "decision"
        elif second == 0:
            part = "empty"
        elif not is_asleep and first + second >= window and (first + second - window) % hop == 0:
            part, took = "column", took - stated["first"] - stated["frame"] * (second - 1)
        elif second == 1:
            part = "first"
        else:
            part, took, shares = "frame", took - stated["first"], second - 1
        most[part] = max(most[part], -(-took // shares))
        if took > stated[part] * shares:
            overs.append(f"{' '.join(words)}: {took:,} instructions {MAIN_LOOP_LINES[part]}, where {stated[part] * shares:,} are stated")
    if any(places[call] != len(found[call]) for call in found) or not all(most.values()):
        sys.exit(f"error: {lines}: {places} calls, of which {[len(each) for each in found.values()]} were counted; the greatest {most}")
    print(f"the main loop on the Cortex-M4, {sum(places.values()):,} calls, at most: "
          + ", ".join(f"{MAIN_LOOP_LINES[part].replace('`', '')} {most[part]:,} of {stated[part]:,}" for part in stated))
    overs += [f"{MAIN_LOOP_LINES[part]}: {stated[part]:,}, of which at most {most[part]:,} were counted: say less"
              for part in stated if stated[part] > SLACK * most[part]]
    if overs:
        sys.exit(f"error: {guide}: {len(overs)} figures aren't right: {'; '.join(overs[:3])}")


def blocks(frames, *runs):
    """What a frame takes in blocks of 16, by each run's counts: of sensed beats and with the detector."""
    for name in runs:
        counts = {}
        for line in open(name):
            parts = line.split()
            if parts[0] not in ("call", "total"):
                counts[parts[0]] = int(parts[2])
        parts = {stage: counts.get(stage, 0) / int(frames) for stage in ["detector", "watch", "filter", "monitor", "check", "column"]}
        frame = sum(parts[stage] for stage in ["detector", "watch", "filter", "monitor"])
        print(f"{name}: {frame:.1f} a frame (" + ", ".join(f"{stage} {each:.1f}" for stage, each in parts.items()) + ")")


def beat_costs(name):
    """What each part of a run of sensed beats by blocks takes in the mean, of its calls: instructions, cycles, and cycles where
    flash makes the core wait; and how many of each there were."""
    lines = open(name + ".txt").read()
    decisions, recalled, blocks = map(int, re.search(
        r"sensed \d+ beats, (\d+) decisions, (\d+) recalled, (\d+) blocks", lines).groups())
    worths = [None, timing.worth("cortex-m4", None), timing.worth("cortex-m4", units.WAITING["cortex-m4"])]
    runs = [calls(name + ".counts", worth) if worth else calls(name + ".counts") for worth in worths]
    for stage in ["beat", "network", "feed", "decision", "note"]:
        if stage not in runs[0]:
            sys.exit(f"error: no calls of {stage} were counted: it was compiled into its caller")

    def parts(stage, *counts):
        """The first calls of a stage by their instructions, so many of each kind: the means of each kind."""
        order = sorted(range(sum(counts)), key=lambda call: runs[0][stage][call])
        places = [sum(counts[:kind]) for kind in range(len(counts) + 1)]
        return [[sum(run[stage][call] for call in order[start:end]) / max(1, end - start) for run in runs]
                for start, end in zip(places, places[1:])]

    # Each fourth block comes in halves, the second of which ends its column; none of these two goes over the ring's end.
    feeds = [run["feed"][:blocks // 4 * 5] for run in runs]
    whole = [statistics.mean(each[0::5] + each[1::5] + each[2::5]) for each in feeds]
    half = [each[0] - each[4] for each in feeds]
    nothing, something = parts("decision", blocks, decisions)
    least = min(runs[0]["beat"][:decisions])
    quiet = sum(count < 2 * least for count in runs[0]["beat"][:decisions])
    known, teaching, asked = parts("beat", quiet, recalled - quiet, decisions - recalled)
    network = parts("network", decisions - recalled)[0]
    note = parts("note", decisions)[0]
    total = lambda *each: [sum(values) for values in zip(*each)]
    return {
        "block": (blocks // 4 * 3, total(whole, nothing)), "half": (1, half),
        "beat": (decisions, total(note, something)),
        "known": (quiet, known), "teaching": (recalled - quiet, teaching), "asked": (decisions - recalled, total(asked, network)),
        "network": (decisions - recalled, network)}


# A part, and its words.
SENSED_WORDS = {
    "block": "a block of samples, and a look at what is due", "half": "of this half of its samples", "beat": "noting and announcing a beat",
    "known": "a known beat", "teaching": "one that teaches the template", "asked": "one that the network is asked about",
    "network": "of this the network"}


def sensed(name):
    """What a block of samples and a beat take where beats are the network's input."""
    print("instructions on an emulated Cortex-M4, cycles, and cycles where flash makes it wait, in the mean:")
    for part, (count, figures) in beat_costs(name).items():
        print(f"  {SENSED_WORDS[part]}: {', '.join(f'{figure:,.0f}' for figure in figures)} ({count} of them)")


# What the shipped model of beats multiplies, and its samples a block.
BEAT_PRODUCTS, BEAT_BLOCK = 1248, 320


def write_sensed(name):
    """BeatCounts.swift: the instructions and cycles of the parts of a run of sensed beats."""
    found = {part: figures for part, (_, figures) in beat_costs(name).items()}
    least, greatest = timing.error_range("cortex-m4")
    less = lambda a, b: [x - y for x, y in zip(a, b)]
    sample = [each / (BEAT_BLOCK / 2) for each in found["half"]]
    costs = {
        "sample": ("A sample of a block.", sample),
        "block": ("A block of samples beside these, and a look at what is due.",
                  less(found["block"], [BEAT_BLOCK * each for each in sample])),
        "beat": ("A beat: noting it, finding it to be as the patient's usual one, announcing it.",
                 [a + b for a, b in zip(found["beat"], found["known"])]),
        "teaching": ("In addition where it teaches the template.", less(found["teaching"], found["known"])),
        "asked": ("In addition where the network is asked: points, template, figures, codes, the check of the state.",
                  less(less(found["asked"], found["known"]), found["network"])),
        "product": ("A multiplication of the network, with all about it.", [each / BEAT_PRODUCTS for each in found["network"]]),
    }

    def cost(instructions, cycles, waiting):
        digits = 2 if cycles < 10 else 0
        shown = [f"{each:.{digits}f}" for each in (cycles, cycles * least, waiting * greatest)]
        return f"({instructions:.{digits}f}, cycles: {shown[0]}, low: {shown[1]}, high: {shown[2]})"

    constants = "\n".join(f"  /// {words}\n  static let {part} = BeatCosts{cost(*figures)}" for part, (words, figures) in costs.items())
    (HERE.parent / "Sources/HostDevice/Costs/BeatCounts.swift").write_text(f"""// Written by `make firmware-report`.

extension BeatCosts {{
  /// Where the cycles are from.
  static let source =
    "the Cortex-M4 manual's table over the instructions counted on an emulated one, "
    + "times {least:.2f} to {greatest:.2f}, the range of published figures; high: flash that makes it wait"
{constants}
}}
""")


def symbols(nm, stages=None):
    for address, size, name in functions(nm):
        stage = next((stage for pattern, stage in stages or STAGES if re.search(pattern, name)), "-")
        print(address, size, stage)


# The firmware's own functions, the board's, and those that any C library has.
OWN = (r"^(Firmware\.|Firmware_main|board_|payload_|model|main$|start$|fault$|trap$|vectors$|put|semihost$|mem(cpy|move|set|cmp)$|"
       r"__aeabi_|__clzsi2$|__ashldi3$|__lshrdi3$|__ashrdi3$|divide$|shifted(Left|Right)$)")


def code_bytes(nm):
    """The runtime's code: all functions but `OWN`."""
    return sum(int(size, 16) for _, size, name in functions(nm) if not re.search(OWN, name))


# The detector of beats, the watch over the signal, the policy of announcements and the sleep.
MONITOR = r"QuantInfer\.(Monitor|BeatDetector|BeatRules|Announcer|SignalQuality|RhythmWatch)"

# Where the runtime's code goes; the first pattern that fits, by the demangled name.
PARTS = [
    ("loading and checks", r"[Vv]alidat|Model\.|ImageBytes|CRC32|sumsFit|Weights\.weight|Tensor\.init|StreamingLayout|"
                           r"OperatorKind|OperatorPlan|isDefined|outputCount|validMultiplier|Integrity"),
    ("save and restore", r"SavedState|quantinfer_save|quantinfer_restore|\.save\(|\.restore\(|[Ss]ound"),
    ("front end", r"Spectrogram|RealFFT|SampleWindow|FrontEnd|log2Q16|HighPass|qi_fft|qi_bit"),
    ("fully connected", r"FullyConnected|qi_fully_connected|qi_one_row_of_codes|pairStretches"),
    ("convolution", r"Convolution|InstructionSet|Rows|qi_|gather|putQuads|putTaps|oneRow|anyCode|limit$|Weights|Window|"
                    r"OUTLINED|Columns"),
    ("streaming and interface", r""),
]


# The device's own record: QUANTINFER_MEMORY of quantinfer.h.
RECORD_BYTES = 16 * 4


def code_parts(nm):
    """The runtime's code by part."""
    parts = {part: 0 for part, _ in PARTS}
    for _, size, name in functions(nm):
        if not re.search(OWN, name):
            parts[next(part for part, pattern in PARTS if re.search(pattern, name))] += int(size, 16)
    return parts


def check_memory(nm, inspect):
    """The example's variables are its own and the device's memory, whose size is the planner's."""
    planned = json.loads(pathlib.Path(inspect).read_text())["memory"]
    expected = {"memory": RECORD_BYTES + sum(-(-planned[key] // 8) * 8 for key in ["stateBytes", "streamingScratchBytes"]),
                "saved": 4096, "line": 128, "lineLength": 4, "paintEnd": 4}
    found = {}
    for text in open(nm):
        match = re.match(r"[0-9a-f]+ ([0-9a-f]+) [bBdDcC] (.*)", text)
        if match and int(match.group(1), 16) > 0:
            found[match.group(2)] = int(match.group(1), 16)
    if found != expected:
        sys.exit(f"error: {nm}: variables {found}; planned {expected}")


def check_traps(disassembly, ceilings, name):
    """No function stops the core in more places than is written down; what Swift's own library does is not the runtime's."""
    found, function = {}, None
    for text in open(disassembly):
        if start := re.match(r"[0-9a-f]+ <(.*)>:$", text):
            function = start.group(1)
        elif re.search(r"\t(trap|udf|unimp)\b", text) and function not in LIBRARY:
            found[function] = found.get(function, 0) + 1
    allowed = json.loads(pathlib.Path(ceilings).read_text())[name]
    print(f"{name}: {sum(found.values())} trap instructions, at most {allowed}")
    if sum(found.values()) > allowed:
        listed = "\n".join(f"  {count} in {function}" for function, count in sorted(found.items(), key=lambda each: -each[1]))
        sys.exit(f"error: {name}: more trap instructions than {ceilings} allows:\n{listed}")


# What Swift's library for embedded programs brings along.
LIBRARY = {"_swift_exceptionPersonality"}


def calls(counts, worth=lambda instructions, kinds: instructions):
    """What each call of each stage was worth: without more, its instructions."""
    found = {}
    for line in open(counts):
        parts = line.split()
        if parts[0] == "call":
            found.setdefault(parts[1][1:], []).append(worth(int(parts[2]), timing.counted(parts[3:])))
    return found


def mean(values):
    return round(sum(values) / len(values)) if values else None


def line(text, pattern):
    match = re.search(pattern, text)
    return int(match.group(1)) if match else None


def measure(folder, board, model):
    base = folder / f"{board}.{model}"
    text = base.with_suffix(base.suffix + ".txt").read_text()
    windows = line(text, r"windows (\d+)")
    operators = len(re.findall(r"^layer \d+", text, re.M))
    result = {
        "board": board, "model": model, "codeBytes": code_bytes(f"{base}.nm"), "arenaBytes": line(text, r"arena (\d+) B"),
        "stateBytes": line(text, r"state (\d+) B"), "scratchBytes": line(text, r", scratch (\d+) B"),
        "streamingScratchBytes": line(text, r"streaming scratch (\d+) B"),
    } | work(calls(f"{base}.counts"), windows, operators, "Instructions")
    if core := units.CORES.get(board):
        for unit, flash in (("Cycles", None), ("CyclesWithWaits", units.WAITING[core])):
            result |= work(calls(f"{base}.counts", timing.worth(core, flash)), windows, operators, unit)
    return result


def work(found, windows, operators, unit):
    """What a window's operators, a column, a sample and a decision take, from what each stage's calls took."""
    result = {}
    runs = found.get("operator", [])[-windows * operators:]
    result[f"operator{unit}"] = [mean(runs[index::operators]) for index in range(operators)]
    if "layer" in found:
        # Columns go through all layers once the first windows are full: the costs of the last ones are those of all.
        layers = operators - 1
        steady = found["layer"][-layers * 100:]
        result[f"column{unit}"] = {
            name: mean(found[name][-100:]) for name in ["window", "transform", "logarithm", "flow"]}
        result[f"column{unit}"]["layers"] = [mean(steady[index::layers]) for index in range(layers)]
        result[f"sample{unit}"] = round(sorted(found["sample"])[len(found["sample"]) // 2])
        if "detector" in found:
            result[f"detector{unit}"] = mean(found["detector"])
        result[f"decision{unit}"] = mean(found.get("decision", [])[-100:])
    return result


def number(value):
    return "-" if value is None else f"{value:,}"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "|".join(["---"] + ["--:"] * (len(head) - 1)) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def measure_example(folder, core):
    """The C example's code, by part, and the most stack that it took."""
    example = folder / core / "example"
    return {"codeBytes": code_bytes(f"{example}.nm"), "codeParts": code_parts(f"{example}.nm"),
            "stackBytes": line(example.with_suffix(".txt").read_text(), r"stack (\d+) B")}


BOARDS = [("microbit", "Cortex-M0", "cortex-m0"), ("mps2-an386", "Cortex-M4", "cortex-m4"),
          ("mps2-an500", "Cortex-M7", "cortex-m7"), ("mps3-an547", "Cortex-M55", "cortex-m55"),
          ("virt", "RV32IMAC", "riscv32")]
LAYER_BOARDS = ["mps2-an386", "mps3-an547"]
LAYERS = [("conv-3x3", "convolution 3x3, 32x32x8 to 16", 1179648), ("conv-1x1", "convolution 1x1, 32x32x16 to 32", 524288),
          ("depthwise-3x3", "depthwise 3x3, 32x32x16", 147456), ("fully-connected", "fully connected 256 to 64", 16384)]


SAMPLES = 256


def signals():
    """The transform's signals by name, of 16 bits: white noise, and sines that lie between two bins."""
    noise, state = [], 1
    for _ in range(SAMPLES):
        state = (state * 1664525 + 1013904223) % 2**32
        noise.append((state >> 16) - 2**15)
    sine = [math.sin(2 * math.pi * 20.3 * index / SAMPLES) for index in range(SAMPLES)]
    return {"white noise": noise, "a sine of full scale": [round(32767 * x) for x in sine],
            "one at -40 dBFS": [round(327.67 * x) for x in sine]}


def print_signals():
    angles = [2 * math.pi * k / SAMPLES for k in range(SAMPLES // 2)]
    twiddles = [round(16384 * part) for angle in angles for part in (math.cos(angle), math.sin(angle))]
    print(f"enum {{ SAMPLES = {SAMPLES} }};")
    print(f"static _Alignas(4) const int16_t twiddles[SAMPLES] = {{{', '.join(map(str, twiddles))}}};")
    print(f"static const int16_t signals[{len(signals())}][SAMPLES] = {{")
    for signal in signals().values():
        print(f"  {{{', '.join(map(str, signal))}}},")
    print("};")


def decibels(signal, line):
    """A signal's strength above the error of its transform: the exponent, then pairs; against double precision."""
    exponent, *parts = map(int, line.split())
    pairs = [complex(*pair) for pair in zip(signal[::2], signal[1::2])]
    count = len(pairs)
    strength = error = 0
    for k in range(count):
        exact = sum(x * cmath.exp(-2j * math.pi * k * n / count) for n, x in enumerate(pairs))
        strength += abs(exact)**2
        error += abs(exact - complex(*parts[2 * k:2 * k + 2]) * 2.0**exponent)**2
    return round(10 * math.log10(strength / error), 1)


SHIPPED = [("shipped model, operator 0", 35424), ("operator 1, dilation 2", 63936), ("operator 2, dilation 4", 50112),
           ("operator 3, fully connected", 2784)]


def compare(folder, shipped, peer):
    """Title, multiplications, own instructions and the peer's of the single layers and the shipped model on a board."""
    lines = [(title, macs, sum(measure(folder, shipped["board"], name)["operatorInstructions"]), peer[name])
             for name, title, macs in LAYERS]
    own, other = shipped["operatorInstructions"], peer["ecg-beats"]
    lines += [(title, macs, own[index], other[index]) for index, (title, macs) in enumerate(SHIPPED)]
    return lines + [("shipped model in whole", sum(macs for _, macs in SHIPPED), sum(own), sum(other))]


def cycles_section(timed, core):
    """What the runs of the boards whose core has a table of cycles took, and how far off that is."""
    def beside(result, key, place=None):
        pair = [result[f"{key}{unit}"] if place is None else result[f"{key}{unit}"][place] for unit in units.OF_BOARD[:2]]
        instructions, cycles = [each if isinstance(each, list) else [each] for each in pair]
        return " + ".join(f"{spent:,}" for spent in cycles) + f" ({sum(cycles) / sum(instructions):.2f})"

    in_cycles = table(
        ["core", "a sample", "beats found, a sample", "window", "transform", "logarithm", "layers 0, 1, 2", "pipeline", "a decision"],
        [[core[r["board"]], beside(r, "sample"), beside(r, "detector")]
         + [beside(r, "column", key) for key in ["window", "transform", "logarithm", "layers", "flow"]]
         + [beside(r, "decision")] for r in timed])
    unit_cycles = table(
        ["core"] + list(units.TITLES.values()),
        [[core[r["board"]]] + [units.text(r["unitCycles"].get(key)) for key in units.TITLES] for r in timed])
    return f"""## Cycles

What `Firmware/timing.py` makes of the same runs, by the kind of each instruction and the tables of the cores' reference manuals, where flash
makes no core wait; in brackets cycles an instruction. The profiles of `device-sim` take theirs from these lines.

{in_cycles}

{unit_cycles}

How far off that is, on published figures whose program is public and was counted here (`python3 Firmware/timing.py published` has
each of them, Firmware/timing.json the sources): {timing.summary()}

{table(["source", "core", "figures", "median error", "predicted beside measured"], timing.by_source())}

A profile's cycles go from the least to the greatest that one predicted cycle of its core turned out to be; at the high end its flash
also makes it wait, {units.waiting_words()}. There is no public table for the Cortex-M33, M7 and M55: see docs/notebook/Timing.md."""


def write(folder):
    shipped = [measure(folder, board, "ecg-beats") | {"example": measure_example(folder, core)}
               for board, _, core in BOARDS]
    layers = {board: [measure(folder, board, name) | {"multiplications": macs} for name, _, macs in LAYERS]
              for board in LAYER_BOARDS}
    for result in shipped:
        for unit in units.OF_BOARD if result["board"] in units.CORES else units.OF_BOARD[:1]:
            result[f"unit{unit}"] = units.fit(result, layers.get(result["board"], []), unit)
    core = {board: name for board, name, _ in BOARDS}
    m4 = next(result for result in shipped if result["board"] == "mps2-an386")
    peer = json.loads((HERE / "cmsis-nn.json").read_text())
    m55 = next(result for result in shipped if result["board"] == "mps3-an547")
    comparisons = compare(folder, m4, peer["instructions"])
    helium = compare(folder, m55, peer["helium"]["instructions"])

    memory = table(
        ["core", "code", "code with everything", "stack", "record", "state", "streaming scratch", "arena", "scratch"],
        [[core[r["board"]], number(r["example"]["codeBytes"]), number(r["codeBytes"]), number(r["example"]["stackBytes"]),
          number(RECORD_BYTES)]
         + [number(r[key]) for key in ["stateBytes", "streamingScratchBytes", "arenaBytes", "scratchBytes"]]
         for r in shipped])
    parts = table(
        ["core"] + [part for part, _ in PARTS] + ["all"],
        [[core[r["board"]]] + [number(r["example"]["codeParts"][part]) for part, _ in PARTS]
         + [number(r["example"]["codeBytes"])] for r in shipped])
    code, stack = m4["example"]["codeBytes"], m4["example"]["stackBytes"]
    verdict = (f"On the Cortex-M4 that is {number(code)} bytes of code (the aim is 12,288: "
               f"{'met' if code <= 12288 else f'missed by {number(code - 12288)}'}) and {number(stack)} of stack (the aim is "
               f"2,048: {'met' if stack <= 2048 else f'missed by {number(stack - 2048)}'}).")
    columns = table(
        ["core", "a sample", "beats found, a sample", "window", "transform", "logarithm", "layers 0, 1, 2", "pipeline", "a decision"],
        [[core[r["board"]], number(r["sampleInstructions"]), number(r["detectorInstructions"])]
         + [number(r["columnInstructions"][key]) for key in ["window", "transform", "logarithm"]]
         + [" + ".join(number(value) for value in r["columnInstructions"]["layers"]),
            number(r["columnInstructions"]["flow"]), number(r["decisionInstructions"])] for r in shipped])
    windows = table(
        ["core", "operator 0", "1", "2", "3", "a window"],
        [[core[r["board"]]] + [number(value) for value in r["operatorInstructions"]]
         + [number(sum(r["operatorInstructions"]))] for r in shipped])
    each = table(
        ["core"] + list(units.TITLES.values()),
        [[core[r["board"]]] + [units.text(r["unitInstructions"].get(key)) for key in units.TITLES] for r in shipped])
    timed = [result for result in shipped if result["board"] in units.CORES]
    peers = table(
        ["Cortex-M4", "multiplications", "QuantInfer", "a multiplication", "CMSIS-NN", "share of it", "at most half"],
        [[title, number(macs), number(own), f"{own / macs:.2f}", number(other), f"{own / other:.2f}",
          "yes" if 2 * own <= other else f"no, by {own / other - 0.5:.2f}"]
         for title, macs, own, other in comparisons])
    vectors = table(
        ["Cortex-M55", "multiplications", "QuantInfer", "a multiplication", "CMSIS-NN", "share of it", "fewer"],
        [[title, number(macs), number(own), f"{own / macs:.2f}", number(other), f"{own / other:.2f}",
          "yes" if own < other else f"no, by {own / other - 1:.2f}"]
         for title, macs, own, other in helium])
    beats = table(
        ["", "counted", "instructions", "cycles", "cycles, with flash that waits"],
        [[SENSED_WORDS[part], str(count)] + [number(round(figure)) for figure in figures]
         for part, (count, figures) in beat_costs(str(folder / "mps2-an386.ecg-beats-implant")).items()])
    spectra = json.loads((HERE / "cmsis-dsp.json").read_text())
    columns_m4 = m4["columnInstructions"]
    ratios = [decibels(signal, line) for signal, line
              in zip(signals().values(), (folder / "transform.txt").read_text().splitlines(), strict=True)]
    quality = [", ".join(f"{name} {ratio}" for name, ratio in zip(signals(), those)) for those
               in (ratios, spectra["decibels"])]
    stages = calls(folder / "transform.counts")["transform"][0]
    transforms = table(
        ["Cortex-M4", "QuantInfer", "CMSIS-DSP q15", "share of it", "at most half"],
        [[title, number(own), number(other), f"{own / other:.2f}", f"no, by {own / other - 0.5:.2f}"
          if 2 * own > other else "yes"]
         for title, own, other in [
             ("32 real samples, the model's 12 bins, direct", columns_m4["transform"], spectra["instructions"]["32"]),
             ("256 real samples, fast, without the split into bins", stages, spectra["instructions"]["256"])]])
    (HERE / "RESULTS.md").write_text(f"""# Measured on emulated boards

Written by `make firmware-report`. All counts are **executed instructions** under QEMU, which repeat exactly. An
instruction is no cycle: a multiplication, a load or a taken branch may take several, and flash may make a core wait.
Sizes are bytes. The compiler is that of Swift 6.3 with `-Osize`, C with `-Oz`; the model is `Models/ecg-beats`.

## Memory

What firmware in C links and takes with the model, by `Firmware/Example`: the library built with the operators that the model
uses, for a streaming run, with save and restore. Its code is counted without the model and without what any C library has
(`memcpy` and the like, division of 64 bits). The stack is the most that any of its functions took, from set-up over samples and
decisions to a restore. {verdict} Beside the stack RAM holds the device's record, its state and its scratch: what `exporter
inspect` says, to the byte, which `make firmware-test` holds against the linked program; the library has no variable of its own.
A run over whole windows instead takes arena and scratch. Nothing of a heap is linked.

{memory}

Where the code goes:

{parts}

## Streaming

What each sample, each column (every 8 samples) and each decision takes.

{columns}

## Whole windows

Each operator of a window of 43 columns, with the choice of its kernel.

{windows}

## What a unit takes

From these tables by least squares, which give the convolutions within {units.worst(shipped):.0%}.

{each}

{cycles_section(timed, core)}

## A network of sensed beats

What `Models/ecg-beats-implant` takes on the Cortex-M4 over 30 s of a record, by blocks of {BEAT_BLOCK} samples (`Firmware/boards.sh sensed MODEL`): every call
of the monitor, in the mean. Waking up, and what a device does between the calls, is not among it, nor is a watch over the signal, which is off.

{beats}

{mlperf.section()}

## Beside CMSIS-NN

{peer["version"]}, {peer["compiler"]}. The same shapes; {peer["notes"]}

{peers}

The transforms, beside {spectra["function"]} of {spectra["version"]}, {spectra["compiler"]}. Of a short window only the bins that are kept are
computed, by the sums of their definition. A fast transform costs more because it keeps more: every stage finds the block's greatest magnitude and rounds each result once from 32 bits. What the
stages made of 256 samples on the board has, in dB against double precision: {quality[0]}.
What CMSIS-DSP's q15 made of the same, bins of its split included, has: {quality[1]}.

{transforms}

With the vector instructions of the Cortex-M55, beside {peer["helium"]["version"]}, {peer["helium"]["compiler"]}:

{vectors}
""")
    (HERE / "results.json").write_text(json.dumps({
        "unit": "executed instructions under QEMU; no cycles", "boards": shipped,
        "layers": [{"layer": title, "multiplications": macs, "instructions": own, "cmsisNN": other}
                   for title, macs, own, other in comparisons],
        "vectorLayers": [{"layer": title, "multiplications": macs, "instructions": own, "cmsisNN": other}
                         for title, macs, own, other in helium],
        "transforms": {"32": columns_m4["transform"], "256WithoutSplit": stages,
                       "decibels": dict(zip(signals(), ratios)),
                       "cmsisDSP": spectra["instructions"]},
        "peer": peer["version"]}, indent=1) + "\n")
    write_sensed(str(folder / "mps2-an386.ecg-beats-implant"))
    units.write_profiles({units.CORES[r["board"]]: r for r in timed})


PRODUCTS = ["CONVOLUTION", "DEPTHWISE", "FULLY_CONNECTED"]


def sizes(path):
    """Bytes by conditions, joined by spaces: of each choice of operators with weights in all, of each other condition what it adds
    to a convolution and a fully connected layer, 16 bits and LSTM to runs of these over whole windows."""
    sets = {frozenset(line.split()[1:]) - {"SELECTED"}: int(line.split()[0]) for line in path.read_text().splitlines()}
    usual = frozenset(["CONVOLUTION", "FULLY_CONNECTED"])
    found = {}
    for conditions, size in sets.items():
        if conditions <= set(PRODUCTS) or conditions == {"MONITOR"}:
            found[" ".join(sorted(conditions))] = size
        elif own := conditions & {"INT16", "LSTM"}:
            found[" ".join(own)] = size - sets[conditions - own]
        else:
            found[" ".join(conditions - usual)] = size - sets[usual]
    return found


def write_sizes(folder):
    lines = []
    for core, name in [("cortex-m4", "cortexM4"), ("cortex-m0", "cortexM0")]:
        lines += [f"  static let {name}: [String: Int] = ["]
        lines += [f'    "{condition}": {size},' for condition, size in sizes(folder / f"{core}.sizes").items()]
        lines += ["  ]"]
    (HERE.parent / "Sources/HostDevice/Costs/CodeSizes.swift").write_text(f"""/// The runtime's code in bytes by what a build selects, of Embedded Swift 6.3 with `-Osize`, in a program in C that streams, saves
/// and restores: written by `make code-sizes`.
///
/// A build with some of the operators that have weights takes what stands beside them. Any other condition adds its own, as measured
/// beside a convolution and a fully connected layer; `QUANTINFER_INT4`, `_INT16` and `_WHOLE_WINDOW` add more where there are more
/// operators: everything together takes 68 kB on a Cortex-M4. The Cortex-M4 has DSP instructions and long multiplications, the Cortex-M0 neither.
enum CodeSizes {{
{chr(10).join(lines)}
}}
""")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["symbols", nm]: symbols(nm)
        case ["sensed", name] if name.endswith(".nm"): symbols(name, SENSED)
        case ["sensed", name]: sensed(name)
        case ["write", folder]: write(pathlib.Path(folder))
        case ["signals"]: print_signals()
        case ["code", nm]: print(code_bytes(nm))
        case ["target", file, states, what]: target(file, int(states), what)
        case ["feed", counts, header, listing, guide]: feed(counts, header, listing, guide)
        case ["main-loop", nm]: symbols(nm, MAIN_LOOP)
        case ["main-loop", counts, lines, inspect, guide]: main_loop(counts, lines, inspect, guide)
        case ["stream", lines, *reports]: stream(lines, *reports)
        case ["blocks", nm] if nm.endswith(".nm"): symbols(nm, BLOCKS)
        case ["blocks", frames, *runs]: blocks(frames, *runs)
        case ["monitor", nm]: print(sum(int(size, 16) for _, size, name in functions(nm) if re.search(MONITOR, name)))
        case ["sizes", folder]: write_sizes(pathlib.Path(folder))
        case ["traps", disassembly, ceilings, name]: check_traps(disassembly, ceilings, name)
        case ["memory", nm, inspect]: check_memory(nm, inspect)
        case _: sys.exit(__doc__)
