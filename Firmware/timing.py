"""The cycles of counted instructions on a Cortex-M0, M0+, M3 and M4, by kind; see docs/notebook/Timing.md.

usage: timing.py kinds DIS               the kinds of each instruction of a program, for Counter/instructions.c
       timing.py cycles COUNTS CORE [FLASH]  a run's cycles by stage, from what Counter/instructions.c counted with these kinds
       timing.py record RUN COUNTS       keeps what was counted beside the published figures of timing.json that name this run
       timing.py published               measured beside predicted, for each figure of timing.json

DIS is what `llvm-objdump -d -z --no-show-raw-insn` prints of a program. An instruction's kinds say what its cycles depend on: what it
is, and what stands in front of it. FLASH is `waits=2,line=8` with `,prefetch`, `,cache`
for instructions or `,dataCache`; without it, flash makes no core wait.
"""

import json
import pathlib
import re
import statistics
import sys

import stack

HERE = pathlib.Path(__file__).parent

# What an instruction's cycles depend on. A place in this list is the number of the kind in the counts.
KINDS = [
    "simple", "multiply", "multiplyAdd", "multiplyLong", "multiplyLongAdd", "multiplyDSP", "divide",
    "load", "loadAfterLoad", "straddlingLoadAfterLoad", "store", "storeAfterLoad", "storeRegister", "storeBeforeLoad",
    "several", "each", "addressMade", "addressLoaded",
    "branch", "taken", "call", "called", "indirect", "returned", "popped", "table", "straddlingTarget", "unpipelinedTarget",
    "ifThen", "special", "float", "floatPair", "floatMultiplyAdd", "floatDivide",
    "line8of2", "line8of3", "line8of4", "line16of4", "line16of5", "line16of6", "line16of7", "line16of8", "jump",
    "jumpToLine8", "jumpToLine16",
]
# What the emulator counts as its last kind: a read of data from flash.
READ_FROM_FLASH = 63

# Cycles of a kind: the least, what is expected, the most. Of the reference manuals' tables: DDI 0439 for the Cortex-M4, DDI 0337 for
# the M3, DDI 0432 for the M0, DDI 0484 for the M0+. Where they leave a range, what is expected was chosen on the figures that
# timing.json marks as building the model.
M4 = {
    "simple": (1, 1, 1), "multiply": (1, 1, 1), "multiplyAdd": (1, 1, 2), "multiplyLong": (1, 1, 1), "multiplyLongAdd": (1, 1, 1),
    "multiplyDSP": (1, 1, 1), "divide": (2, 7, 12),
    "load": (2, 2, 2), "loadAfterLoad": (1, 1, 1), "straddlingLoadAfterLoad": (1, 1.5, 2),
    "store": (1, 1, 2), "storeAfterLoad": (1, 1, 1), "storeRegister": (1, 2, 2), "storeBeforeLoad": (0, 1, 1),
    "several": (1, 1, 1), "each": (1, 1, 1), "addressMade": (0, 1, 1), "addressLoaded": (0, 1, 1),
    "branch": (1, 1, 1), "taken": (1, 1, 3), "call": (1, 1, 1), "called": (1, 1, 3), "indirect": (1, 1, 1), "returned": (1, 2, 3),
    "popped": (1, 2, 3), "table": (2, 2, 2), "straddlingTarget": (0, 1, 1), "unpipelinedTarget": (1, 1, 1),
    "ifThen": (0, 1, 1), "special": (1, 2, 4), "float": (1, 1, 1), "floatPair": (2, 2, 2), "floatMultiplyAdd": (3, 3, 3),
    "floatDivide": (14, 14, 14),
}
M3 = M4 | {"multiplyAdd": (2, 2, 2), "multiplyLong": (3, 4, 5), "multiplyLongAdd": (4, 5.5, 7)}
NO_PIPELINE = {
    "loadAfterLoad": (2, 2, 2), "straddlingLoadAfterLoad": (2, 2, 2), "store": (2, 2, 2), "storeAfterLoad": (2, 2, 2),
    "storeRegister": (2, 2, 2), "storeBeforeLoad": (0, 0, 0), "addressMade": (0, 0, 0), "addressLoaded": (0, 0, 0),
    "straddlingTarget": (0, 0, 0), "unpipelinedTarget": (0, 0, 0),
}
M0 = M4 | NO_PIPELINE | {
    "taken": (2, 2, 2), "called": (3, 3, 3), "returned": (2, 2, 2), "popped": (3, 3, 3), "special": (4, 4, 4)}
M0_PLUS = M0 | {"taken": (1, 1, 1), "called": (2, 2, 2), "returned": (1, 1, 1), "popped": (2, 2, 2), "special": (3, 3, 3)}
CORES = {"cortex-m0": M0, "cortex-m0plus": M0_PLUS, "cortex-m3": M3, "cortex-m4": M4}

CONDITION = r"(?:eq|ne|cs|hs|cc|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)?"

# The kind of an instruction by its name without width; the first pattern that fits in whole.
NAMES = [(re.compile(pattern + CONDITION), kind) for pattern, kind in [
    (r"b", "branch"), (r"cbn?z", "branch"), (r"bl", "call"), (r"blx|bx", "indirect"), (r"tb[bh]", "table"), (r"it[te]*", "ifThen"),
    (r"ldrd|strd|ldm\w*?|stm\w*?|push|pop|vldm\w*?|vstm\w*?|vpush|vpop", "several"),
    (r"v?ldr(?:b|h|sb|sh|t|bt|ht|sbt|sht|ex|exb|exh)?", "load"), (r"v?str(?:b|h|t|bt|ht|ex|exb|exh)?", "store"),
    (r"muls?", "multiply"), (r"mla|mls", "multiplyAdd"), (r"[us]mull", "multiplyLong"), (r"[us]mlal", "multiplyLongAdd"),
    (r"umaal|smul[bw][bt]|smult[bt]|smu[as]dx?|smml[as]r?|smmulr?|smla[bw][bt]|smlat[bt]|sml[as]dx?|smlal[bt][bt]|sml[as]ldx?",
     "multiplyDSP"),
    (r"[us]div", "divide"), (r"mrs|msr|cps\w*|dmb|dsb|isb|wfi|wfe|sev|svc|bkpt|udf", "special"),
    (r"vn?ml[as]|vfn?m[as]", "floatMultiplyAdd"), (r"vdiv|vsqrt", "floatDivide"), (r"v\w+", "float"),
]]
WRITES_NOTHING = re.compile(r"(cmp|cmn|tst|teq|nop|v?str|stm|push|it|b|cb|vcmp)")


def base_name(name):
    return name.split(".")[0]


def kind_of(name):
    return next((kind for pattern, kind in NAMES if pattern.fullmatch(base_name(name))), "simple")


def registers_in(text):
    """The registers that a text names, those of a range included."""
    found = set()
    for first, last in re.findall(r"\b(r\d+|sp|lr|pc)\b(?:-(r\d+))?", text):
        found.add(first)
        if last:
            found |= {f"r{number}" for number in range(int(first[1:]), int(last[1:]) + 1)}
    return found


def address_registers(kind, operands):
    """The registers that an address is made of; none where the instruction reads and writes no memory."""
    if kind in ("load", "store", "several") and (inside := re.search(r"\[(.*?)\]", operands)):
        return registers_in(inside.group(1)) - {"pc"}
    if kind == "several":
        return registers_in(operands.split("{")[0]) or {"sp"}
    return set()


def written(name, kind, operands):
    """The registers that an instruction writes, the base of an address that it moves included."""
    found = set()
    if re.search(r"\]!|\], #", operands) or "!" in operands:
        found |= address_registers(kind, operands)
    if WRITES_NOTHING.match(name) and not name.startswith("bic") and not name.startswith("bf"):
        return found
    if "{" in operands:
        return found | registers_in(operands[operands.index("{"):])
    outputs = 2 if kind in ("multiplyLong", "multiplyLongAdd") or name.startswith(("ldrd", "umaal", "smlal", "smlsl")) else 1
    return found | registers_in(", ".join(operands.split("[")[0].split(", ")[:outputs]))


def is_jump(kind):
    return kind in ("branch", "call", "indirect", "table")


def instruction_kinds(address, size, name, operands, before, after):
    """What an instruction takes, what a jump from it adds, and what a jump to it adds: kinds with how many of each."""
    kind = kind_of(name)
    takes, left, entered = {}, {}, {}
    addresses = address_registers(kind, operands)
    former = former_kind = None
    if before is not None:
        former, former_kind = before, kind_of(before[0])
    if addresses and former and not is_jump(former_kind):
        made = written(former[0], former_kind, former[1]) & addresses
        # A base that a load or store moves by itself is ready in time.
        if former_kind in ("load", "several") and made & registers_in(re.split(r"[\[{]", former[1])[0]):
            takes["addressLoaded"] = 1
        elif made and former_kind not in ("load", "store", "several"):
            takes["addressMade"] = 1
    follows_load = former_kind == "load" and "addressLoaded" not in takes and not former[1].startswith("pc,")
    if kind == "several":
        takes["several"] = 1
        takes["each"] = 2 if "{" not in operands else stack.registers(operands) // 4
    elif kind in ("load", "store"):
        pair = name.startswith("v") and operands.startswith("d")
        by_register = bool(re.search(r"\[\w+, r\d+", operands))
        if pair:
            takes |= {"several": 1, "each": 2}
        elif kind == "load" and follows_load:
            takes["straddlingLoadAfterLoad" if size == 4 and address % 4 else "loadAfterLoad"] = 1
            entered["unpipelinedTarget"] = 1
        elif kind == "load":
            takes["load"] = 1
        else:
            takes["storeAfterLoad" if follows_load else "storeRegister" if by_register else "store"] = 1
            if after is not None and kind_of(after[0]) in ("load", "several") and not by_register:
                takes["storeBeforeLoad"] = 1
    elif kind == "float" and name.startswith("vmov") and len(operands.split(", ")) > 2:
        takes["floatPair"] = 1
    else:
        takes[kind] = 1
    if kind == "branch":
        left["taken"] = 1
    elif kind == "call":
        left["called"] = 1
    elif kind in ("indirect", "table"):
        left["returned"] = 1
    elif "pc}" in operands or operands.startswith("pc,"):
        left["popped" if kind in ("several", "load") else "returned"] = 1
    entered["jump"] = 1
    if size == 4 and address % 4:
        entered["straddlingTarget"] = 1
    return takes, left, entered


# Bytes that a flash reads at once. Half as many 16-bit instructions fit in, a quarter as many of 32 bits.
LINES = (8, 16)


def program_kinds(listing):
    """Each instruction's kinds by its address, in a listing."""
    found = {}
    functions = stack.functions(listing)
    starts = sorted(place for function in functions.values() for place in [*function.instructions, *function.words])
    following = dict(zip(starts, starts[1:]))
    for function in functions.values():
        ordered = sorted(function.instructions)
        for index, address in enumerate(ordered):
            name, operands = function.instructions[address]
            size = min(4, following.get(address, address + 4) - address)
            neighbours = [function.instructions[ordered[place]] if 0 <= place < len(ordered) else None
                          for place in (index - 1, index + 1)]
            takes, left, entered = instruction_kinds(address, size, name, operands, *neighbours)
            for line in LINES:
                # A line that the one before it, and no jump, leads to; as a rule.
                started = sum(place // line == address // line - 1 + (address % line > 0)
                              for place in ordered[max(0, index - line // 2):index])
                if started > 0 and (address + size - 1) // line > (address - 1) // line:
                    takes[f"line{line}of{min(line // 2, max(line // 4, started))}"] = 1
                    entered[f"jumpToLine{line}"] = 1
            found[address] = takes, left, entered
    return found


def print_kinds(listing):
    def text(shares):
        return ",".join(f"{KINDS.index(kind)}:{count}" for kind, count in shares.items()) or "-"

    for address, lists in sorted(program_kinds(listing).items()):
        print(f"{address:x}", *map(text, lists))


def flash_waits(counts, base, flash):
    """Cycles that a core waits for its flash, from counts by kind and the cycles without: the least, the expected, the most.

    A line is read where a jump leads to and where one line ends and the next begins; a read of data from flash is one more. A
    prefetch buffer reads the next line while one is executed. Of a cache it isn't known what it misses: at best nothing.
    """
    waits, line = flash["waits"], flash["line"]
    lines = {started: counts.get(f"line{line}of{started}", 0) for started in range(line // 4, line // 2 + 1)}
    # A jump to where a line begins reads it as the one before it would have.
    jumps = counts.get("jump", 0) - counts.get(f"jumpToLine{line}", 0)
    reads = counts.get("readFromFlash", 0)
    data = 0 if flash.get("dataCache") else waits * reads
    most = waits * (sum(lines.values()) + jumps)
    if flash.get("cache"):
        return (0, data, most * MISSED_AT_MOST + waits * reads)
    each = base / max(1, instructions_in(counts))
    # While the instructions of a line are executed, the next one is read.
    spared = {started: started * each - 1 if flash.get("prefetch") else 0 for started in lines}
    sequential = sum(count * max(0, waits - spared[started]) for started, count in lines.items())
    return (sequential, sequential + waits * jumps + data, most + waits * reads)


# The kinds that are no instruction by themselves, but stand beside one.
ADDED = {"each", "addressMade", "addressLoaded", "storeBeforeLoad", "taken", "called", "returned", "popped", "straddlingTarget",
         "unpipelinedTarget"}
INSTRUCTIONS = set(M4) - ADDED
# Of the lines of a program that a cache holds most of: an assumption.
MISSED_AT_MOST = 0.05


def cycles(counts, core, flash=None):
    """The least, the expected and the most cycles of counts by kind."""
    table = CORES[core]
    found = [sum(count * table[kind][place] for kind, count in counts.items() if kind in table) for place in range(3)]
    waits = flash_waits(counts, found[1], flash) if flash else (0, 0, 0)
    return tuple(map(sum, zip(found, waits)))


def flash_of(text):
    """Flash as the command has it: `waits=2,line=8,prefetch`."""
    flash = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        if name in ("waits", "line") and value.isdigit():
            flash[name] = int(value)
        elif part in ("prefetch", "cache", "dataCache"):
            flash[part] = True
        else:
            sys.exit(f"error: {part}: no part of a flash; write waits=2,line=8 with ,prefetch or ,cache or ,dataCache")
    if flash.get("line") not in (8, 16) or "waits" not in flash:
        sys.exit(f"error: {text}: a flash has waits=N and line=8 or line=16, in bytes")
    return flash


def counted(words):
    """Counts by kind, of the words `2:17`."""
    found = {int(kind): int(count) for kind, count in (word.split(":") for word in words)}
    return {"readFromFlash" if kind == READ_FROM_FLASH else KINDS[kind]: count for kind, count in found.items()}


def instructions_in(counts):
    return sum(count for kind, count in counts.items() if kind in INSTRUCTIONS)


def stages(file):
    """A run's stages: name, calls, instructions, counts by kind."""
    for text in open(file):
        name, *rest = text.split()
        if name not in ("call", "total"):
            instructions, counts = int(rest[1]), counted(rest[2:])
            if instructions_in(counts) != instructions:
                sys.exit(f"error: {file}: {name}: {instructions_in(counts)} kinds of {instructions} instructions; count with kinds=FILE")
            yield name.lstrip("*"), int(rest[0]), instructions, counts


def print_cycles(file, core, flash):
    print(f"{'stage':24} {'calls':>8} {'instructions':>13} {'cycles':>13} {'least':>13} {'most':>13} {'each':>6}")
    for name, calls, instructions, counts in stages(file):
        if instructions:
            least, expected, most = cycles(counts, core, flash)
            print(f"{name:24} {calls:8} {instructions:13} {expected:13.0f} {least:13.0f} {most:13.0f} {expected / instructions:6.2f}")


def published():
    """The published figures, those that were counted with what is predicted for one of them."""
    figures = json.loads((HERE / "timing.json").read_text())["figures"]
    for figure in figures:
        if "counts" in figure:
            found = cycles(figure["counts"], figure["core"], figure.get("flash"))
            figure["predicted"] = tuple(each / figure["times"] for each in found)
            figure["ratio"] = figure["measured"] / figure["predicted"][1]
    return figures


def checks(figures, core=None):
    """Those that did not build the model, were counted, and had nothing to wait for that the model can't know."""
    return [figure for figure in figures if "ratio" in figure and not figure.get("builds") and core in (None, figure["core"])]


def error_range(core):
    """The least and the greatest that was measured for one cycle that is predicted of a core."""
    ratios = [figure["ratio"] for figure in checks(published(), core)]
    return min(ratios), max(ratios)


def worth(core, flash):
    """What a call is worth in cycles, of its instructions and its counts by kind."""
    def of(instructions, counts):
        if instructions_in(counts) != instructions:
            sys.exit(f"error: {instructions_in(counts)} kinds of {instructions} instructions in a call; count with kinds=FILE")
        return cycles(counts, core, flash)[1]
    return of


def name_of(source):
    return re.match(r"github\.com/([^ ,]+)", source).group(1)


def by_source():
    """A line for each source, core and flash: how many figures, the median error and the least and greatest of predicted to measured."""
    groups = {}
    for figure in checks(published()):
        waits = figure.get("flash", {}).get("waits")
        groups.setdefault((name_of(figure["source"]), figure["core"], waits), []).append(1 / figure["ratio"])
    return [[source + (f", {waits} wait state{'s' if waits > 1 else ''}" if waits else ""), core, str(len(shares)),
             f"{statistics.median(abs(share - 1) for share in shares):.1%}", f"{min(shares):.2f} to {max(shares):.2f}"]
            for (source, core, waits), shares in groups.items()]


def summary():
    """In words: how many figures, and the median error, of all and of the sources' medians."""
    found = checks(published())
    errors = [abs(1 / figure["ratio"] - 1) for figure in found]
    sources = {}
    for figure, error in zip(found, errors):
        sources.setdefault((name_of(figure["source"]), figure["core"]), []).append(error)
    medians = [statistics.median(each) for each in sources.values()]
    return (f"{len(found)} figures that did not build the model, the median {statistics.median(errors):.1%} off and the worst "
            f"{max(errors):.1%}; where each source counts once for a core, {len(medians)} of them, the median is {statistics.median(medians):.1%}.")


def print_published():
    figures = published()
    for figure in figures:
        if "ratio" in figure:
            role = "built" if figure.get("builds") else "check"
            print(f"{role} {figure['core']:13} {figure['title']:58} {figure['measured']:>12,} {figure['predicted'][1]:>14,.0f} "
                  f"{figure['predicted'][1] / figure['measured'] - 1:+7.1%}")
    print(summary())


def record(run, counts):
    path = HERE / "timing.json"
    document = json.loads(path.read_text())
    found = {name: (calls, kinds) for name, calls, _, kinds in stages(counts)}
    for figure in document["figures"]:
        if figure.get("run") == run:
            if figure["stage"] not in found:
                sys.exit(f"error: {counts}: no stage {figure['stage']}, which {figure['title']} asks for")
            calls, figure["counts"] = found[figure["stage"]]
            figure["times"] = calls * figure.get("unitsPerCall", 1)
    path.write_text(text_of(document))


def text_of(document):
    """One figure a line."""
    figures = ",\n".join("  " + json.dumps(figure) for figure in document["figures"])
    return f'{{\n "about": {json.dumps(document["about"])},\n "figures": [\n{figures}\n ]\n}}\n'


def main(arguments):
    match arguments:
        case ["kinds", listing]: print_kinds(open(listing))
        case ["cycles", counts, core, *flash] if core in CORES and len(flash) < 2:
            print_cycles(counts, core, flash_of(flash[0]) if flash else None)
        case ["record", run, counts]: record(run, counts)
        case ["published"]: print_published()
        case _: sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
