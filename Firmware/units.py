"""What a unit of work takes: instructions a multiplication, an output, a call and so on, fitted to counted runs.

`make firmware-report` writes them to RESULTS.md, and as cycles into the profiles of `device-sim`.
"""

import json
import pathlib
import re

# The shipped model's convolutions: multiplications and outputs of a window, and of a column.
WINDOW = [(35424, 984), (63936, 888), (50112, 696)]
COLUMN = [(864, 24), (1728, 24), (1728, 24)]
DENSE = (2784, 4)
# The window's samples times the transform's stages, and the bins.
POINTS, BINS = 32 * 5, 12

TITLES = {
    "convolution": "a multiplication of a convolution", "depthwise": "of a depthwise one",
    "fullyConnected": "of a fully connected layer", "output": "an output", "call": "a call",
    "point": "a point x stage", "bin": "a bin", "sample": "a sample", "detectorSample": "beats found, a sample",
}

# Cycles an instruction takes: at best, in between, at worst. Loads, branches and slow flash take more than one.
CYCLES = (1.0, 1.4, 2.0)


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


def fit(result, layers):
    """A core's instructions for each unit, from its measured runs; of a kind that was not measured none."""
    column = result["columnInstructions"]
    flow = column["flow"] / len(COLUMN)
    runs = [(*work, 1, count) for work, count in zip(WINDOW, result["operatorInstructions"])]
    runs += [(*work, 1, count + flow) for work, count in zip(COLUMN, column["layers"])]
    # Each run counts by its relative error.
    squares = [[sum(run[i] * run[j] / run[3] ** 2 for run in runs) for j in range(3)] for i in range(3)]
    convolution, output, call = solve(squares, [sum(run[i] / run[3] for run in runs) for i in range(3)])

    def rest(count, multiplications, outputs):
        return max(0, (count - outputs * output - call) / multiplications)

    dense = [rest(count, *DENSE) for count in (result["operatorInstructions"][3], result["decisionInstructions"])]
    dense += [rest(sum(layer["operatorInstructions"]), layer["multiplications"], 64) for layer in layers
              if layer["model"] == "fully-connected"]
    found = {
        "convolution": convolution, "fullyConnected": max(dense), "output": output, "call": call,
        "point": (column["window"] + column["transform"]) / POINTS,
        "bin": (column["split"] + column["logarithm"]) / BINS,
        "sample": result["sampleInstructions"], "detectorSample": result["detectorInstructions"],
        "greatestError": max(abs((run[0] * convolution + run[1] * output + call) / run[3] - 1) for run in runs),
    }
    for layer in layers:
        if layer["model"] == "depthwise-3x3":
            found["depthwise"] = rest(sum(layer["operatorInstructions"]), layer["multiplications"], 32 * 32 * 16)
    return {key: float(f"{value:.3g}") for key, value in found.items()}


def worst(shipped):
    return max(result["unitInstructions"]["greatestError"] for result in shipped)


def text(value):
    return "-" if value is None else f"{value:,.2f}" if value < 10 else f"{value:,.0f}"


PROFILES = pathlib.Path(__file__).parent.parent / "Sources/HostDevice/Profiles"
BOARDS = {"cortex-m4": "mps2-an386", "cortex-m0": "microbit"}
FIELDS = {
    "convolution": "convolution", "depthwise": "depthwise", "fullyConnected": "fullyConnected",
    "cyclesPerOutput": "output", "cyclesPerCall": "call", "cyclesPerSample": "sample",
    "cyclesPerDetectorSample": "detectorSample", "cyclesPerTransformPoint": "point", "cyclesPerBin": "bin",
}
# Beside the sample itself: an interrupt, waking up, fetching the sample.
INTERRUPT = (30, 80, 250)


def write_profiles(units, core):
    """Writes the cycles of each profile whose core was counted."""
    for path in sorted(PROFILES.glob("*.json")):
        text = path.read_text()
        board = BOARDS.get(json.loads(text)["processor"].get("core"))
        if board is None:
            continue
        for field, unit in FIELDS.items():
            if unit not in units[board]:
                continue
            count = units[board][unit]
            extra = INTERRUPT if unit == "sample" else (0, 0, 0)
            low, value, high = (float(f"{count * cycles + more:.2g}") for cycles, more in zip(CYCLES, extra))
            source = (f"{count:g} instructions on an emulated {core[board]} (Firmware/RESULTS.md) at {CYCLES[0]:g} to "
                      f"{CYCLES[2]:g} cycles each, own estimate")
            if unit == "sample":
                source += f", and {INTERRUPT[0]} to {INTERRUPT[2]} for interrupt and waking up, own estimate"
            figure = {"value": value, "low": low, "high": high, "source": source}
            text, found = re.subn(
                rf'^( *"{field}": )\{{.*?\}}(,?)$',
                lambda match: match[1] + re.sub(r"(\d)\.0\b(?= *[,}])", r"\1", json.dumps(figure)) + match[2],
                text, flags=re.M)
            if found != 1:
                raise SystemExit(f"error: {path.name}: {field}: {found} figures; there must be one")
        path.write_text(text)
