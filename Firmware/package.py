"""Makes the package that a firmware project takes: build/package/quantinfer-VERSION and its archives; see docs/guides/Package.md.

usage: package.py --model-source C --model-header H --inspect JSON [--toolsets NAME,...] [--output FOLDER] [CONDITION...]

The conditions are those for `swift build`, such as -Xswiftc -DQUANTINFER_SELECTED. The same sources and toolchain give the same
bytes: no time, no path and no name of a machine goes in.
"""

import argparse
import gzip
import hashlib
import io
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

import pdsc
import sbom
import toolsets

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
VERSION = re.search(r'version = "([^"]+)"', (ROOT / "Sources/Support/Release.swift").read_text()).group(1)


def run(*command, **options):
    return subprocess.run(command, check=True, text=True, **options)


TOOLCHAIN = pathlib.Path(shutil.which("swift") or sys.exit("error: swift: not found; install Swift 6.3")).resolve().parent.parent


def tool(name):
    """A program of Swift's toolchain."""
    return str(TOOLCHAIN / "bin" / name)


def epoch():
    """The time that the package has: its last commit's, or what SOURCE_DATE_EPOCH says."""
    said = os.environ.get("SOURCE_DATE_EPOCH")
    return int(said or run("git", "-C", ROOT, "log", "-1", "--format=%ct", stdout=subprocess.PIPE).stdout)


def build(name, triple, conditions, scratch):
    """Builds the library with a toolset; its objects' folder. No path is in them but those below the sources' and Swift's folders."""
    mapped = [f"{ROOT}=quantinfer-{VERSION}", f"{TOOLCHAIN}=swift"]
    options = [word for each in mapped for word in
               ("-Xswiftc", "-file-prefix-map", "-Xswiftc", each, "-Xcc", f"-ffile-prefix-map={each}")]
    # The modules of C that Swift imports, by a path and a hash of it.
    options += ["-Xswiftc", "-Xfrontend", "-Xswiftc", "-no-clang-module-breadcrumbs"]
    print(f"Building {name}", flush=True)
    done = subprocess.run(
        ["swift", "build", "--package-path", HERE, "-c", "release", "--product", "quantinfer-c", "--triple", triple,
         "--toolset", ROOT / f"build/toolsets/{name}.json", "--scratch-path", scratch, *options, *conditions],
        env=os.environ | {"QUANTINFER_RUNTIME_ONLY": "1"}, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        sys.exit(f"error: {name}: swift build failed:\n{done.stdout[-2000:]}")
    return scratch / triple / "release"


def archive_objects(folder, library):
    """A static library of a build's objects, by name, with no time and no owner. Debug information stays: it finds a fault's line."""
    listed = shlex.split((folder / "quantinfer-c.product/Objects.LinkFileList").read_text())
    library.parent.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as stage:
        objects = []
        for path in sorted(pathlib.Path(each) for each in listed):
            # By its target's folder, as files of two targets may have one name.
            objects.append(pathlib.Path(stage) / path.relative_to(folder))
            objects[-1].parent.mkdir(exist_ok=True)
            # Swift's digest of how a module was compiled, paths included; nothing reads it.
            run(tool("llvm-objcopy"), "--remove-section=.swift_modhash", path, objects[-1])
        run(tool("llvm-ar"), "rcsD", library, *objects)


def templates(folder):
    """The build files, with the version in its places, and the example's program."""
    def put(source, target, *changes):
        text = (HERE / source).read_text().replace("@VERSION@", VERSION)
        for old, new in changes:
            text = text.replace(old, new)
        (folder / target).parent.mkdir(parents=True, exist_ok=True)
        (folder / target).write_text(text)

    for name in ("QuantInferConfig.cmake", "QuantInferConfigVersion.cmake"):
        put(f"Package/cmake/{name}", f"lib/cmake/QuantInfer/{name}")
    for name in ("module.yml", "Kconfig", "CMakeLists.txt"):
        put(f"Package/zephyr/{name}", f"zephyr/{name}")
    for name in ("CMakeLists.txt", "arm-none-eabi.cmake"):
        put(f"Package/example/{name}", f"examples/cmake/{name}")
    for name in ("CMakeLists.txt", "prj.conf", "board.c"):
        put(f"Package/zephyr-example/{name}", f"examples/zephyr/{name}")
    put("Consumer/consumer.c", "examples/cmake/main.c")
    put("Sources/Board/startup.c", "examples/cmake/startup.c")
    put("Sources/Board/include/Board.h", "examples/cmake/Board.h")
    put("Linker/mps2.ld", "examples/cmake/mps2.ld", ("INCLUDE Linker/", "INCLUDE "))
    put("Linker/sections.ld", "examples/cmake/sections.ld")
    put("Package/LICENSES.md", "LICENSES.md")
    put("../LICENSE", "LICENSE")
    put("../Sources/CQuantInfer/include/quantinfer.h", "include/quantinfer.h")


RECORD_BYTES = 16 * 4  # QUANTINFER_MEMORY of quantinfer.h, with addresses of 32 bits


def ram_map(inspected):
    """Where everything lies in the memory that a device is given, for the example's model."""
    memory = json.loads(pathlib.Path(inspected).read_text())["memory"]
    rows, offset = [], 0
    for what, count in [("record: addresses and lengths, under a checksum", RECORD_BYTES),
                        ("state: what must outlive each call, and what is saved", memory["stateBytes"]),
                        ("scratch: free between calls", memory["streamingScratchBytes"])]:
        rows.append(f"| {offset} | {count} | {what} |")
        offset += -(-count // 8) * 8
    table = "\n".join(rows)
    return f"""# What lies where in RAM

The library has no variable of its own, no heap and no stack of its own. All that it keeps is in the memory that it is given, at a
multiple of 8, and lies there at places that the image alone decides. For the example's model, in bytes:

| offset | bytes | what |
|---|---|---|
{table}
| {offset} | | end |

Give it a place of its own, the same in every build, by a section and a line of the linker script (start-up code doesn't clear it then):

```c
__attribute__((section(".quantinfer"))) static _Alignas(8) uint8_t memory[{offset}];
```

```
.quantinfer 0x20000000 (NOLOAD) : {{ KEEP(*(.quantinfer)) }} > RAM
```
"""


def checksums(folder):
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder)}"
             for path in sorted(folder.rglob("*")) if path.is_file()]
    (folder / "SHA256SUMS").write_text("\n".join(lines) + "\n")


def pack(folder, time):
    """The package as .tar.gz and as a CMSIS-Pack, which is a .zip, beside it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in files:
            entry = tarfile.TarInfo(f"{folder.name}/{path.relative_to(folder)}")
            entry.size, entry.mtime, entry.mode = path.stat().st_size, time, 0o644
            archive.addfile(entry, io.BytesIO(path.read_bytes()))
    folder.with_name(f"{folder.name}.tar.gz").write_bytes(gzip.compress(tar.getvalue(), mtime=0))
    with zipfile.ZipFile(folder.with_name(f"{pdsc.NAME}.{VERSION}.pack"), "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.writestr(zipfile.ZipInfo(str(path.relative_to(folder))), path.read_bytes(), zipfile.ZIP_DEFLATED)


def main():
    arguments = argparse.ArgumentParser(usage=__doc__)
    for name in ("--model-source", "--model-header", "--inspect"):
        arguments.add_argument(name, required=True, type=pathlib.Path)
    arguments.add_argument("--toolsets", default=",".join(name for name, core, _ in toolsets.named() if name != core))
    arguments.add_argument("--output", type=pathlib.Path, default=ROOT / "build/package")
    arguments.add_argument("--scratch", type=pathlib.Path, default=ROOT / ".build-package")
    given, conditions = arguments.parse_known_args()

    toolsets.write(ROOT / "build/toolsets")
    folder = given.output / f"quantinfer-{VERSION}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    chosen = [(name, *toolsets.find(name)) for name in given.toolsets.split(",")]
    for name, core, abi in chosen:
        objects = build(name, toolsets.CORES[core].triple, conditions, given.scratch.resolve() / name)
        archive_objects(objects, folder / f"lib/{core}/{abi}/libquantinfer.a")
    templates(folder)
    shutil.copyfile(given.model_source, folder / "examples/cmake/model.c")
    shutil.copyfile(given.model_header, folder / "examples/cmake/model.h")
    (folder / "RAM.md").write_text(ram_map(given.inspect))
    time = epoch()
    (folder / f"{pdsc.NAME}.pdsc").write_text(pdsc.text(folder, VERSION, time, [each[1:] for each in chosen]))
    compiler = run("swift", "--version", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    swift = re.search(r"Swift version (\S+)", compiler).group(1)
    (folder / "sbom.spdx.json").write_text(sbom.text(folder, VERSION, swift, time))
    checksums(folder)
    pack(folder, time)
    print(f"{folder}: {len(chosen)} libraries; {folder.name}.tar.gz, {pdsc.NAME}.{VERSION}.pack")


if __name__ == "__main__":
    main()
