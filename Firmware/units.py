"""What a unit of work takes: instructions and cycles a multiplication, an output, a call and so on, fitted to counted runs.

`make firmware-report` writes them to RESULTS.md, and the cycles into the profiles of `device-sim`.
"""

import json
import pathlib
import re

import timing

# The shipped model's convolutions: multiplications and outputs of a window, and of a column.
WINDOW = [(35424, 984), (63936, 888), (50112, 696)]
COLUMN = [(864, 24), (1728, 24), (1728, 24)]
DENSE = (2784, 4)
# The window's samples, and the bins.
SAMPLES, BINS = 32, 12

TITLES = {
    "convolution": "a multiplication of a convolution", "depthwise": "of a depthwise one",
    "fullyConnected": "of a fully connected layer", "output": "an output", "call": "a call",
    "windowSample": "a sample of the window", "bin": "a bin", "sample": "a sample", "detectorSample": "beats found, a sample",
}

# What a run is counted in; the last two only on a board whose core has a table of cycles.
OF_BOARD = ("Instructions", "Cycles", "CyclesWithWaits")
CORES = {"mps2-an386": "cortex-m4", "microbit": "cortex-m0"}
# Flash at the high end of a profile: that of a part of this core whose figures were published.
WAITING = {"cortex-m4": {"waits": 3, "line": 16, "cache": True}, "cortex-m0": {"waits": 1, "line": 8, "prefetch": True}}


def solve(matrix, right):
    """Linear equations, by elimination."""
    rows = [row + [value] for row, value in zip(matrix, right)]
    for place in range(len(rows)):
        pivot = max(range(place, len(rows)), key=lambda index: abs(rows[index][place]))
        rows[place], rows[pivot] = rows[pivot], rows[place]
        for other in range(len(rows)):
            if other != place:
                factor = rows[other][place] / rows[place][place]
                rows[other] = [a - factor * b for a, b in zip(rows[other], rows[place])]
    return [row[-1] / row[place] for place, row in enumerate(rows)]


def waiting_words():
    """What the flash at the high end is, in words."""
    parts = [f"{flash['waits']} cycles a read of data and no cache for data on a {core}" if flash.get("cache") else
             f"{flash['waits']} cycle a read or jump behind a prefetch buffer on a {core}" for core, flash in WAITING.items()]
    return " and ".join(parts)


def fit(result, layers, unit="Instructions"):
    """A core's instructions or cycles for each unit, from its measured runs; of a kind that was not measured none."""
    operators = f"operator{unit}"
    column = result[f"column{unit}"]
    flow = column["flow"] / len(COLUMN)
    runs = [(*work, 1, count) for work, count in zip(WINDOW, result[operators])]
    runs += [(*work, 1, count + flow) for work, count in zip(COLUMN, column["layers"])]
    # Each run counts by its relative error.
    squares = [[sum(run[i] * run[j] / run[3] ** 2 for run in runs) for j in range(3)] for i in range(3)]
    convolution, output, call = solve(squares, [sum(run[i] / run[3] for run in runs) for i in range(3)])

    def rest(count, multiplications, outputs):
        return max(0, (count - outputs * output - call) / multiplications)

    dense = [rest(count, *DENSE) for count in (result[operators][3], result[f"decision{unit}"])]
    dense += [rest(sum(layer[operators]), layer["multiplications"], 64) for layer in layers
              if layer["model"] == "fully-connected"]
    found = {
        "convolution": convolution, "fullyConnected": max(dense), "output": output, "call": call,
        "windowSample": column["window"] / SAMPLES,
        "bin": (column["transform"] + column["logarithm"]) / BINS,
        "sample": result[f"sample{unit}"], "detectorSample": result[f"detector{unit}"],
        "greatestError": max(abs((run[0] * convolution + run[1] * output + call) / run[3] - 1) for run in runs),
    }
    for layer in layers:
        if layer["model"] == "depthwise-3x3":
            found["depthwise"] = rest(sum(layer[operators]), layer["multiplications"], 32 * 32 * 16)
    return {key: float(f"{value:.3g}") for key, value in found.items()}


def worst(shipped):
    return max(result["unitInstructions"]["greatestError"] for result in shipped)


def text(value):
    return "-" if value is None else f"{value:,.2f}" if value < 10 else f"{value:,.0f}"


PROFILES = pathlib.Path(__file__).parent.parent / "Sources/HostDevice/Profiles"
FIELDS = {
    "convolution": "convolution", "depthwise": "depthwise", "fullyConnected": "fullyConnected",
    "cyclesPerOutput": "output", "cyclesPerCall": "call", "cyclesPerSample": "sample",
    "cyclesPerDetectorSample": "detectorSample", "cyclesPerWindowSample": "windowSample", "cyclesPerBin": "bin",
}
# Beside the sample itself: an interrupt, waking up, fetching the sample.
INTERRUPT = (30, 80, 250)


# A part's core, by its name in the profile, that has no table of its own: how few of the cycles of the core whose code it runs it
# may take. The Cortex-M33 issues some pairs at once: its published CoreMark is 4.1 a MHz, beside 3.4 of the Cortex-M4. The M0+ is the M0
# with shorter jumps.
QUICKER = {"Cortex-M33": 0.75, "Cortex-M0+": 0.9}


def figure_of(counts, key, core, name):
    """A profile's figure: what is predicted, and by how much published figures were less or more."""
    least, greatest = timing.error_range(core)
    quicker = next((share for part, share in QUICKER.items() if part in name), 1)
    extra = INTERRUPT if key == "sample" else (0, 0, 0)
    expected, waiting = counts["unitCycles"][key], max(counts["unitCyclesWithWaits"][key], counts["unitCycles"][key])
    cycles = (expected * least * quicker, expected, waiting * greatest)
    low, value, high = (float(f"{count + more:.2g}") for count, more in zip(cycles, extra))
    source = (f"{expected:g} cycles of a {core} by its manual's table over counted instructions (Firmware/RESULTS.md), times {least:.2f} to "
              f"{greatest:.2f}, the range of published figures" + (f", and {quicker:g} for the {name.split(', ')[1]}" if quicker < 1 else "")
              + "; high: flash that makes it wait")
    if key == "sample":
        source += f"; and {INTERRUPT[0]} to {INTERRUPT[2]} for interrupt and waking up, own estimate"
    return {"value": value, "low": min(low, value), "high": max(high, value), "source": source}


def write_profiles(results):
    """Writes the cycles of each profile whose core was counted."""
    for path in sorted(PROFILES.glob("*.json")):
        text = path.read_text()
        processor = json.loads(text)["processor"]
        core = processor.get("core")
        if core not in results:
            continue
        for field, unit in FIELDS.items():
            if unit not in results[core]["unitCycles"]:
                continue
            figure = figure_of(results[core], unit, core, processor["name"])
            text, found = re.subn(
                rf'^( *"{field}": )\{{.*?\}}(,?)$',
                lambda match: match[1] + re.sub(r"(\d)\.0\b(?= *[,}])", r"\1", json.dumps(figure)) + match[2],
                text, flags=re.M)
            if found != 1:
                raise SystemExit(f"error: {path.name}: {field}: {found} figures; there must be one")
        path.write_text(text)
