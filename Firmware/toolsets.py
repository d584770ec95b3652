"""Writes SwiftPM's toolsets for the cores and the ways in which a project passes floating-point numbers, and for the boards on a desk.

usage: toolsets.py write FOLDER       FOLDER/NAME.json for each core and ABI
       toolsets.py write-ports FOLDER  the same for each board on a desk
       toolsets.py ports              a line for each board on a desk: NAME, CORE and the triple
       toolsets.py list               a line for each: NAME, CORE, ABI and the triple for `swift build --triple`
       toolsets.py options NAME       the C compiler's options, which are also those for a linked program's C
       toolsets.py script NAME        the linker's script of the emulated board that runs such code, or nothing

NAME is CORE for the core's usual ABI, and CORE-ABI for each: cortex-m4, cortex-m4-soft, cortex-m4-softfp, cortex-m4-hard.
"""

import dataclasses
import json
import pathlib
import sys


@dataclasses.dataclass(frozen=True)
class Core:
    """A core: the triple of Embedded Swift's library, its options, its ABIs, the usual one first, and a board's linker script."""
    triple: str
    options: tuple
    abis: tuple
    script: str = ""


def arm(name, triple, abis=("soft",), script=""):
    # Enumerations are as small as the bare-metal ARM compilers of GCC make them, or its linker warns.
    return Core(triple, (f"-mcpu={name}", "-mthumb", "-fshort-enums"), abis, script)


# A core with vector instructions keeps these in the registers of floating point: soft would give them up.
CORES = {
    "cortex-m0": arm("cortex-m0", "armv6m-none-none-eabi", script="microbit.ld"),
    "cortex-m0plus": arm("cortex-m0plus", "armv6m-none-none-eabi", script="microbit.ld"),
    "cortex-m3": arm("cortex-m3", "armv7em-none-none-eabi", script="mps2.ld"),
    "cortex-m4": arm("cortex-m4", "armv7em-none-none-eabi", ("soft", "softfp", "hard"), "mps2.ld"),
    "cortex-m7": arm("cortex-m7", "armv7em-none-none-eabi", ("soft", "softfp", "hard"), "mps2.ld"),
    "cortex-m33": arm("cortex-m33", "armv7em-none-none-eabi", ("soft", "softfp", "hard"), "mps2-an505.ld"),
    "cortex-m55": arm("cortex-m55", "armv7em-none-none-eabi", ("softfp", "soft", "hard"), "mps3-an547.ld"),
    "cortex-m85": arm("cortex-m85", "armv7em-none-none-eabi", ("softfp", "soft", "hard"), "mps3-an547.ld"),
    "riscv32": Core("riscv32-none-none-eabi", ("-march=rv32imac", "-mabi=ilp32"), ("soft",), "virt.ld"),
}

# The boards on a desk: the core, the linker's script, and what their sources are told (Sources/Board/ports).
PORTS = {
    "nucleo-l4r5zi": ("cortex-m4", "nucleo-l4r5zi.ld", ("-DBOARD_NUCLEO_L4R5ZI", "-DBOARD_WITHOUT_DEBUGGER")),
    "nrf52840dk": ("cortex-m4", "nrf52840.ld", ("-DBOARD_NRF52840DK", "-DBOARD_WITHOUT_DEBUGGER")),
}

SWIFT = ["-enable-experimental-feature", "Embedded", "-wmo", "-Osize", "-no-allocations", "-parse-as-library",
         "-Xfrontend", "-function-sections", "-Xfrontend", "-disable-stack-protector"]
LINK = ["-use-ld=lld", "-Xclang-linker", "-nostdlib", "-Xclang-linker", "-fuse-ld=lld", "-nostartfiles"]


def named():
    """All toolsets: name, core and ABI."""
    for core, figures in CORES.items():
        yield core, core, figures.abis[0]
        for abi in figures.abis:
            yield f"{core}-{abi}", core, abi


def find(name):
    found = {each: (core, abi) for each, core, abi in named()}
    if name not in found:
        sys.exit(f"error: {name}: no such toolset; one of {', '.join(found)}")
    return found[name]


def core_options(core, abi):
    return [*CORES[core].options, *([] if core == "riscv32" else [f"-mfloat-abi={abi}"]), "-ffreestanding"]


def c_options(core, abi):
    return core_options(core, abi) + ["-Oz", "-ffunction-sections", "-fdata-sections"]


def toolset(core, abi, script=None, defines=()):
    """A toolset as SwiftPM reads it; of a port with its own script and what its C sources are told."""
    for_c = [word for option in core_options(core, abi) for word in ("-Xcc", option)]
    return {
        "schemaVersion": "1.0",
        "swiftCompiler": {"extraCLIOptions": SWIFT + for_c + LINK},
        "cCompiler": {"extraCLIOptions": c_options(core, abi) + list(defines)},
        "linker": {"extraCLIOptions": ["-T", f"Linker/{script or CORES[core].script}", "--gc-sections"]},
    }


def write(folder, toolsets):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in toolsets.items():
        text = json.dumps(content, indent=1) + "\n"
        path = folder / f"{name}.json"
        # Unchanged, it keeps its time, and nothing is built again.
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def main(arguments):
    match arguments:
        case ["write", folder]:
            write(pathlib.Path(folder), {name: toolset(core, abi) for name, core, abi in named()})
        case ["write-ports", folder]:
            write(pathlib.Path(folder), {
                name: toolset(core, CORES[core].abis[0], script, defines)
                for name, (core, script, defines) in PORTS.items()})
        case ["list"]:
            for name, core, abi in named():
                if name != core:
                    print(name, core, abi, CORES[core].triple)
        case ["ports"]:
            for name, (core, _, _) in PORTS.items():
                print(name, core, CORES[core].triple)
        case ["options", name]:
            print(*c_options(*find(name)))
        case ["script", name]:
            print(f"Linker/{CORES[find(name)[0]].script}")
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
