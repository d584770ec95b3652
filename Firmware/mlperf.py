"""Whole networks of MLPerf Tiny on the emulated Cortex-M4, beside what was published of them: Firmware/mlperf.json.

usage: mlperf.py names               the networks: the name of each one's file
       mlperf.py write FOLDER MODELS  mlperf.json, from FOLDER/mps2-an386.NAME.{counts,nm,txt}, FOLDER/NAME.json and MODELS/NAME.tflite

`Firmware/boards.sh mlperf MODELS` runs both; `make firmware-report` puts the figures into RESULTS.md.
"""

import hashlib
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
FILE = HERE / "mlperf.json"
# Where the files are, and the cycles a multiplication that ST's library took on an STM32L4R5 at 120 MHz.
SOURCE = "benchmark/training of github.com/mlcommons/tiny"
PUBLISHED = "MLPerf Tiny v1.3, ST on an STM32L4R5 (Cortex-M4) at 120 MHz"
NETWORKS = {
    "kws_ref_model": ("keyword spotting", 1.96), "pretrainedResnet_quant": ("image classification", 1.59),
    "vww_96_int8": ("visual wake words", 1.43), "ad01_int8": ("anomaly detection", 2.18),
}


def write(folder, models):
    import report
    networks = []
    for name, (title, published) in NETWORKS.items():
        run = report.measure(folder, "mps2-an386", name)
        multiplications = json.loads((folder / f"{name}.json").read_text())["operations"]["macsPerWindow"]
        operators = json.loads((folder / f"{name}.json").read_text())["operations"]["operators"]
        if len(operators) != len(run["operatorInstructions"]):
            sys.exit(f"error: {name}: {len(operators)} operators, of which {len(run['operatorInstructions'])} were counted")
        kinds = {}
        for operator, count in zip(operators, run["operatorInstructions"]):
            kind = kinds.setdefault(operator["name"], [0, 0])
            kinds[operator["name"]] = [kind[0] + operator["macsPerWindow"], kind[1] + count]
        networks.append({
            "name": name, "title": title, "digest": hashlib.sha256((models / f"{name}.tflite").read_bytes()).hexdigest(),
            "multiplications": multiplications, "arenaBytes": run["arenaBytes"], "scratchBytes": run["scratchBytes"],
            **{unit: sum(run[f"operator{unit}"]) for unit in ("Instructions", "Cycles", "CyclesWithWaits")},
            "kinds": kinds, "publishedCyclesPerMultiplication": published})
    FILE.write_text(json.dumps({"source": SOURCE, "published": PUBLISHED, "networks": networks}, indent=1) + "\n")
    print(FILE.read_text())


def section():
    """The section of RESULTS.md."""
    import report
    figures = json.loads(FILE.read_text())
    each = lambda network, unit: f"{network[unit] / network['multiplications']:.2f}"
    rows = [[network["title"], f"`{network['name']}`", report.number(network["multiplications"]), report.number(network["Instructions"]),
             each(network, "Instructions"), each(network, "Cycles"), each(network, "CyclesWithWaits"),
             f"{network['publishedCyclesPerMultiplication']:.2f}"] for network in figures["networks"]]
    kinds = []
    for network in figures["networks"]:
        parts = sorted(network["kinds"].items(), key=lambda part: -part[1][1])
        kinds.append([network["title"], "; ".join(
            f"{kind} {100 * count / network['Instructions']:.0f} %" + (f" ({count / macs:.2f})" if macs else "") for kind, (macs, count) in parts)])
    peer = json.loads((HERE / "cmsis-nn.json").read_text())
    counted = {f"{network['name']} {kind}": count for network in figures["networks"] for kind, (_, count) in network["kinds"].items()}
    others = [[title, report.number(counted[key]), report.number(other), f"{counted[key] / other:.2f}"] for key, (title, other) in peer["others"].items()]
    return f"""## Whole networks of MLPerf Tiny

The reference networks, imported and run over windows of noise on the emulated Cortex-M4 (`Firmware/boards.sh mlperf FOLDER`; the files are those of
{figures["source"]}, their digests are in Firmware/mlperf.json). **The first figure a multiplication is instructions counted in QEMU, the next two are cycles predicted of these**
by the manual's table, without wait states and with flash that waits 3 cycles a read and has no cache for data. The last is what was measured on silicon:
{figures["published"]}, with its own library and compiler.

{report.table(["network", "file", "multiplications", "instructions", "a multiplication", "predicted cycles", "with waits", "published cycles"], rows)}

Where they go, and in brackets instructions a multiplication:

{report.table(["network", "operators"], kinds)}

Their sums and pools beside those of CMSIS-NN, for the same shapes, in instructions ({peer["version"]}, {peer["compiler"]}):

{report.table(["operators", "QuantInfer", "CMSIS-NN", "share of it"], others)}"""


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["names"]: print(*NETWORKS)
        case ["write", folder, models]: write(pathlib.Path(folder), pathlib.Path(models))
        case _: sys.exit(__doc__)
