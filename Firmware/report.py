"""Writes Firmware/RESULTS.md and Firmware/results.json from counted runs; see `make firmware-report`.

usage: report.py symbols NM      a list of functions with their stages, for Counter/instructions.c, from demangled `nm -S`
       report.py write FOLDER    the tables, from FOLDER/BOARD.MODEL.{counts,nm,txt}
"""

import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent

# The stage of a function, by its demangled name; the first pattern that fits. Others are helpers.
STAGES = [
    (r"Firmware\.|CRC32|board_|payload_|Firmware_main|\bmain$|Model\.init|WholeWindow|\bstart$", "rest"),
    (r"StreamingPipeline\.init|StreamingPipeline\.reset|forgetColumns|isWindowFull|SavedState|restore|isSound", "rest"),
    (r"OperatorRunner\.run\(", "*operator"),
    (r"StreamingPipeline\.decide\(", "*decision"),
    (r"StreamingPipeline\.\(compute in", "*layer"),
    (r"RealFFT\.", "*transform"),
    (r"StreamingSpectrogram\.\(loadWindow", "*window"),
    (r"StreamingSpectrogram\.\(encode", "*logarithm"),
    (r"StreamingSpectrogram\.computeColumn", "*split"),
    (r"StreamingPipeline\.\(flow", "*flow"),
    (r"StreamingPipeline\.push\(", "*sample"),
]


def functions(nm):
    """Address, size, name of each function."""
    for line in open(nm):
        match = re.match(r"([0-9a-f]+) ([0-9a-f]+) [tTwW] (.*)", line)
        if match:
            yield match.group(1), match.group(2), match.group(3)


def symbols(nm):
    for address, size, name in functions(nm):
        stage = next((stage for pattern, stage in STAGES if re.search(pattern, name)), "-")
        print(address, size, stage)


def code_bytes(nm):
    """The runtime's code: all functions but the firmware's own, the board's and the payload."""
    own = r"Firmware\.|Firmware_main|board_|payload_|^model|^main$|^start$|^fault$|^trap$|^vectors$|switch\.table"
    return sum(int(size, 16) for _, size, name in functions(nm) if not re.search(own, name))


def calls(counts):
    found = {}
    for line in open(counts):
        parts = line.split()
        if parts[0] == "call":
            found.setdefault(parts[1][1:], []).append(int(parts[2]))
    return found


def mean(values):
    return round(sum(values) / len(values)) if values else None


def line(text, pattern):
    match = re.search(pattern, text)
    return int(match.group(1)) if match else None


def measure(folder, board, model):
    base = folder / f"{board}.{model}"
    text = base.with_suffix(base.suffix + ".txt").read_text()
    found = calls(f"{base}.counts")
    windows = line(text, r"windows (\d+)")
    operators = len(re.findall(r"^layer \d+", text, re.M))
    result = {
        "board": board, "model": model, "codeBytes": code_bytes(f"{base}.nm"),
        "stackBytes": line(text, r"stack (\d+) B"), "arenaBytes": line(text, r"arena (\d+) B"),
        "stateBytes": line(text, r"state (\d+) B"), "scratchBytes": line(text, r", scratch (\d+) B"),
        "streamingScratchBytes": line(text, r"streaming scratch (\d+) B"),
    }
    runs = found.get("operator", [])[-windows * operators:]
    result["operatorInstructions"] = [mean(runs[index::operators]) for index in range(operators)]
    if "layer" in found:
        # Columns go through all layers once the first windows are full: the costs of the last ones are those of all.
        layers = operators - 1
        steady = found["layer"][-layers * 100:]
        result["columnInstructions"] = {
            name: mean(found[name][-100:]) for name in ["window", "transform", "split", "logarithm", "flow"]}
        result["columnInstructions"]["layers"] = [mean(steady[index::layers]) for index in range(layers)]
        result["sampleInstructions"] = sorted(found["sample"])[len(found["sample"]) // 2]
        result["decisionInstructions"] = mean(found["decision"][-100:])
    return result


def number(value):
    return "-" if value is None else f"{value:,}"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "|".join(["---"] + ["--:"] * (len(head) - 1)) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


BOARDS = [("microbit", "Cortex-M0"), ("mps2-an386", "Cortex-M4"), ("mps2-an500", "Cortex-M7"),
          ("mps3-an547", "Cortex-M55"), ("virt", "RV32IMAC")]
LAYERS = [("conv-3x3", "convolution 3x3, 32x32x8 to 16", 1179648), ("conv-1x1", "convolution 1x1, 32x32x16 to 32", 524288),
          ("depthwise-3x3", "depthwise 3x3, 32x32x16", 147456), ("fully-connected", "fully connected 256 to 64", 16384)]


def write(folder):
    shipped = [measure(folder, board, "ecg-beats") for board, _ in BOARDS
               if (folder / f"{board}.ecg-beats.counts").exists()]
    core = dict(BOARDS)
    m4 = next(result for result in shipped if result["board"] == "mps2-an386")
    peer = json.loads((HERE / "cmsis-nn.json").read_text())
    comparisons = []
    for name, title, macs in LAYERS:
        result = measure(folder, "mps2-an386", name)
        comparisons.append((title, macs, sum(result["operatorInstructions"]), peer["instructions"][name]))
    for index, (title, macs) in enumerate([("shipped model, operator 0", 35424), ("operator 1, dilation 2", 63936),
                                           ("operator 2, dilation 4", 50112), ("operator 3, fully connected", 2784)]):
        comparisons.append((title, macs, m4["operatorInstructions"][index], peer["instructions"]["ecg-beats"][index]))
    comparisons.append(("shipped model in whole", 152256, sum(m4["operatorInstructions"]),
                        sum(peer["instructions"]["ecg-beats"])))

    memory = table(
        ["core", "runtime's code", "stack", "arena", "scratch", "state", "streaming scratch"],
        [[core[r["board"]]] + [number(r[key]) for key in ["codeBytes", "stackBytes", "arenaBytes", "scratchBytes",
                                                          "stateBytes", "streamingScratchBytes"]] for r in shipped])
    columns = table(
        ["core", "a sample", "window", "transform", "split", "logarithm", "layers 0, 1, 2", "pipeline", "a decision"],
        [[core[r["board"]], number(r["sampleInstructions"])]
         + [number(r["columnInstructions"][key]) for key in ["window", "transform", "split", "logarithm"]]
         + [" + ".join(number(value) for value in r["columnInstructions"]["layers"]),
            number(r["columnInstructions"]["flow"]), number(r["decisionInstructions"])] for r in shipped])
    windows = table(
        ["core", "operator 0", "1", "2", "3", "a window"],
        [[core[r["board"]]] + [number(value) for value in r["operatorInstructions"]]
         + [number(sum(r["operatorInstructions"]))] for r in shipped])
    peers = table(
        ["Cortex-M4", "multiplications", "QuantInfer", "a multiplication", "CMSIS-NN", "share of it", "at most half"],
        [[title, number(macs), number(own), f"{own / macs:.2f}", number(other), f"{own / other:.2f}",
          "yes" if 2 * own <= other else f"no, by {own / other - 0.5:.2f}"]
         for title, macs, own, other in comparisons])
    (HERE / "RESULTS.md").write_text(f"""# Measured on emulated boards

Written by `make firmware-report`. All counts are **executed instructions** under QEMU, which repeat exactly. An
instruction is no cycle: a multiplication, a load or a taken branch may take several, and flash may make a core wait.
Sizes are bytes. The compiler is that of Swift 6.3 with `-Osize`, C with `-Os`; the model is `Models/ecg-beats`.

## Memory

The runtime's code is all of it that is linked, with every operator; nothing of a heap is. The stack is the most that
any call took, over all runs, with the test program's own 2 to 3 KB; the aim is 2 KB in all, which is missed. Beside it RAM
holds state and streaming scratch, or arena and scratch: what `exporter inspect` says, to the byte.

{memory}

## Streaming

What each sample, each column (every 8 samples) and each decision takes.

{columns}

## Whole windows

Each operator of a window of 43 columns, with the choice of its kernel.

{windows}

## Beside CMSIS-NN

{peer["version"]}, {peer["compiler"]}. The same shapes; {peer["notes"]}

{peers}
""")
    (HERE / "results.json").write_text(json.dumps({
        "unit": "executed instructions under QEMU; no cycles", "boards": shipped,
        "layers": [{"layer": title, "multiplications": macs, "instructions": own, "cmsisNN": other}
                   for title, macs, own, other in comparisons],
        "peer": peer["version"]}, indent=1) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("symbols", "write"):
        sys.exit(__doc__)
    symbols(sys.argv[2]) if sys.argv[1] == "symbols" else write(pathlib.Path(sys.argv[2]))
