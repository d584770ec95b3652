#!/bin/bash
# Makes the package twice, from two folders, and checks it as somebody would who takes it.
# usage: Firmware/package-test.sh [TOOLSET,...]      the shipped model's operators; all toolsets without a name
#
# CMake's example is built and run where cmake, arm-none-eabi-gcc and QEMU are, without a network where a name space can be had.
# PACK_XSD=FILE checks the CMSIS-Pack's description against its schema, ZEPHYR_BASE=FOLDER builds Zephyr's module in an application;
# without them their files are checked for what they name. Checkers from PyPI are used where they are: spdx-tools, kconfiglib.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

root="$PWD"
first=build/package second=build/package-again
package="$first/quantinfer-$(sed -nE 's/.*version = "([^"]+)".*/\1/p' Sources/Support/Release.swift)"
passed=0
# shellcheck source=Firmware/consumers.sh
source Firmware/consumers.sh

pass() { echo "package: $1"; passed=$((passed + 1)); }
leave() { echo "package: not checked: $1"; }
fail() { echo "error: $package: $1" >&2; exit 1; }

make_twice() {  # [toolsets]
  Firmware/boards.sh package "$first" ${1:+--toolsets "$1"}
  # The same sources somewhere else, with other temporary files.
  local copy
  copy="$(mktemp -d)"
  # shellcheck disable=SC2064
  trap "rm -rf '$copy'" EXIT
  git ls-files -z --cached --others --exclude-standard Firmware Sources Package.swift LICENSE | tar -c --null -T - | tar -x -C "$copy"
  mkdir -p "$copy/Firmware/Sources/Payload" "$copy/build/firmware"
  cp Firmware/Sources/Payload/model.c "$copy/Firmware/Sources/Payload/"
  cp build/firmware/model.h build/firmware/inspect.json "$copy/build/firmware/"
  (
    cd "$copy"
    read -ra conditions < <(cat "$root/build/firmware/package-conditions")
    SOURCE_DATE_EPOCH="$(git -C "$root" log -1 --format=%ct)" python3 Firmware/package.py \
      --model-source Firmware/Sources/Payload/model.c --model-header build/firmware/model.h \
      --inspect build/firmware/inspect.json --output "$root/$second" ${1:+--toolsets "$1"} \
      ${conditions[@]+"${conditions[@]}"} > /dev/null
  )
  diff -r "$first" "$second" > /dev/null || fail "differs from one that was made in another folder: diff -r $first $second"
  pass "the same bytes from two folders, $(find "$package/lib" -name '*.a' | wc -l) libraries, archives included"
}

check_sums() {
  (cd "$package" && sha256sum --quiet -c SHA256SUMS) || fail "a checksum differs"
  pass "SHA256SUMS: $(wc -l < "$package/SHA256SUMS") files"
  local toolchain
  toolchain="$(dirname "$(dirname "$(readlink -f "$(command -v swift)")")")"
  if grep -rlF -e "$root" -e "$HOME/" -e "$toolchain/" "$package" > /dev/null; then fail "a file names a folder of this machine"; fi
  pass "no file names a folder of this machine"
}

# Every object of every library has the ABI that its folder says.
check_libraries() {
  command -v arm-none-eabi-readelf > /dev/null || { leave "the libraries' ABI, as arm-none-eabi-readelf is not here"; return; }
  local library abi hard objects
  for library in "$package"/lib/cortex-*/*/libquantinfer.a; do
    abi="$(basename "$(dirname "$library")")"
    objects="$(arm-none-eabi-readelf -A "$library" | grep -c 'Tag_CPU_arch:')"
    hard="$(arm-none-eabi-readelf -A "$library" | grep -c 'Tag_ABI_VFP_args: VFP' || true)"
    [ "$hard" -eq "$([ "$abi" = hard ] && echo "$objects" || echo 0)" ] || fail "$library: $hard of $objects objects are hard-float"
  done
  pass "hard-float objects in the folders hard, and nowhere else"
}

check_example() {
  for each in cmake arm-none-eabi-gcc qemu-system-arm; do
    command -v "$each" > /dev/null || { leave "CMake's example, as $each is not here"; return; }
  done
  local alone=() expected build=build/package-example lines
  unshare -rn true 2> /dev/null && alone=(unshare -rn)
  rm -rf "$build"
  "${alone[@]}" cmake -S "$package/examples/cmake" -B "$build" -DQuantInfer_ROOT="$root/$package" \
    -DCMAKE_TOOLCHAIN_FILE="$root/$package/examples/cmake/arm-none-eabi.cmake" > "$build.log" 2>&1 ||
    fail "CMake's example isn't configured: $(tail -5 "$build.log")"
  "${alone[@]}" cmake --build "$build" >> "$build.log" 2>&1 || fail "CMake's example isn't built: $(tail -5 "$build.log")"
  lines="$(timeout 60 qemu-system-arm -M mps2-an386 -display none -monitor none -serial none \
    -semihosting-config enable=on,target=native -kernel "$build/beats.elf" 2>&1 < /dev/null)" || fail "CMake's example ends with $?"
  expected="build/firmware/host.$(basename "${MODEL:-ecg-beats.qinf}" .qinf).txt"
  if [ -e "$expected" ]; then
    diff <(grep '^decision' "$expected") <(echo "$lines") > /dev/null || fail "CMake's example decides otherwise than $expected"
  fi
  pass "CMake's example, built ${alone[*]:+without a network}, runs: $(wc -l <<< "$lines") decisions$([ ! -e "$expected" ] || echo ", the host's")"
  # The program's memory is the map's.
  [ "$((16#$(arm-none-eabi-nm -S "$build/beats.elf" | awk '$4 == "memory" { print $2 }')))" -eq \
    "$(sed -n 's/^| \([0-9]*\) | | end |$/\1/p' "$package/RAM.md")" ] || fail "RAM.md isn't the program's memory"
  # A core that isn't there is told.
  if cmake -S "$package/examples/cmake" -B "$build-none" -DQuantInfer_ROOT="$root/$package" -DQUANTINFER_CORE=cortex-a7 \
    -DCMAKE_TOOLCHAIN_FILE="$root/$package/examples/cmake/arm-none-eabi.cmake" > "$build.log" 2>&1; then
    fail "CMake takes a core that has no library"
  fi
  tr -s ' \n' ' ' < "$build.log" | grep -q "no library for core 'cortex-a7'" || fail "CMake doesn't say which core has no library"
  rm -rf "$build-none"
}

# Each library, linked by GCC into the program of consumers.sh, on the board of its core.
check_programs() {
  for each in arm-none-eabi-g++ qemu-system-arm; do
    command -v "$each" > /dev/null || { leave "the libraries' programs, as $each is not here"; return; }
  done
  local core abi board name lines expected count=0
  expected="build/firmware/host.$(basename "${MODEL:-ecg-beats.qinf}" .qinf).txt"
  while read -r core board; do
    for abi in soft softfp hard; do
      [ -e "$package/lib/$core/$abi" ] || continue
      name="$core-$abi"
      mkdir -p "build/firmware/$name"
      cp "$package/lib/$core/$abi/libquantinfer.a" "$package/include/quantinfer.h" "build/firmware/$name/"
      consumer "$name" c || fail "lib/$core/$abi: the program isn't linked"
      lines="$(timeout 60 qemu-system-arm -M "$board" -display none -monitor none -serial none \
        -semihosting-config enable=on,target=native -kernel "build/firmware/$name/consumer-c.elf" 2>&1 < /dev/null)" ||
        fail "lib/$core/$abi: the program ends with $? on $board"
      # Without the host's lines, the first library's.
      [ -e "$expected" ] || { expected=build/firmware/package-decisions.txt; echo "$lines" > "$expected"; }
      diff <(grep '^decision' "$expected") <(echo "$lines") > /dev/null || fail "lib/$core/$abi: decides otherwise than $expected on $board"
      count=$((count + 1))
    done
  done <<'BOARDS'
cortex-m0 microbit
cortex-m0plus microbit
cortex-m3 mps2-an385
cortex-m4 mps2-an386
cortex-m7 mps2-an500
cortex-m33 mps2-an505
cortex-m55 mps3-an547
BOARDS
  rm -f build/firmware/package-decisions.txt
  pass "the same decisions of $count libraries on emulated boards; of a Cortex-M85 and RISC-V's without one by this compiler"
}

check_pack() {
  local description missing
  description="$(ls "$package"/*.pdsc)"
  missing="$(python3 -c '
import pathlib, sys, xml.etree.ElementTree as tree
root = pathlib.Path(sys.argv[1])
print(*[each.get("name") for each in tree.parse(sys.argv[2]).iter("file") if not (root / each.get("name")).is_file()])
' "$package" "$description")"
  [ -z "$missing" ] || fail "$description names $missing"
  pass "CMSIS-Pack: every file that it names is there"
  if [ -n "${PACK_XSD:-}" ]; then
    xmllint --noout --schema "$PACK_XSD" "$description" || fail "$description isn't of its schema"
    pass "CMSIS-Pack: by its schema"
  else
    leave "the CMSIS-Pack's schema, as PACK_XSD names none"
  fi
}

check_sbom() {
  python3 - "$package" <<'PYTHON' || fail "sbom.spdx.json doesn't say what is there"
import hashlib, json, pathlib, sys
root = pathlib.Path(sys.argv[1])
said = {each["fileName"][2:]: each["checksums"][1]["checksumValue"]
        for each in json.loads((root / "sbom.spdx.json").read_text())["files"]}
there = {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in root.rglob("*")
         if path.is_file() and path.name not in ("sbom.spdx.json", "SHA256SUMS")}
sys.exit(said != there)
PYTHON
  pass "SBOM: every file with its digest"
  if python3 -c 'import spdx_tools' 2> /dev/null; then
    python3 -c '
import sys
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
found = validate_full_spdx_document(parse_file(sys.argv[1]))
print(*found, sep="\n")
sys.exit(len(found) > 0)' "$package/sbom.spdx.json" || fail "sbom.spdx.json isn't SPDX 2.3"
    pass "SBOM: SPDX 2.3 by spdx-tools"
  else
    leave "the SBOM by spdx-tools, as it is not here"
  fi
}

# The module as Zephyr's build would run it, with its functions told apart by what they print.
check_zephyr() {
  local core abi configuration found script=build/package-zephyr.cmake
  if command -v cmake > /dev/null; then
    cat > "$script" <<CMAKE
function(zephyr_include_directories folder)
endfunction()
function(zephyr_library_import name library)
  message("\${library}")
endfunction()
include("$root/$package/zephyr/CMakeLists.txt")
CMAKE
    while read -r core abi configuration; do
      [ -e "$package/lib/$core/$abi" ] || continue
      # shellcheck disable=SC2086
      found="$(cmake -DCONFIG_QUANTINFER=y $configuration -P "$script" 2>&1)" || fail "zephyr: $core $abi: $found"
      [ "$(realpath "$found")" = "$(realpath "$package/lib/$core/$abi/libquantinfer.a")" ] || fail "zephyr: $core $abi: takes $found"
    done <<'CONFIGURATIONS'
cortex-m0 soft -DCONFIG_CPU_CORTEX_M0=y
cortex-m0plus soft -DCONFIG_CPU_CORTEX_M0PLUS=y
cortex-m3 soft -DCONFIG_CPU_CORTEX_M3=y
cortex-m4 soft -DCONFIG_CPU_CORTEX_M4=y
cortex-m4 softfp -DCONFIG_CPU_CORTEX_M4=y -DCONFIG_FPU=y -DCONFIG_FP_SOFTABI=y
cortex-m4 hard -DCONFIG_CPU_CORTEX_M4=y -DCONFIG_FPU=y -DCONFIG_FP_HARDABI=y
cortex-m7 hard -DCONFIG_CPU_CORTEX_M7=y -DCONFIG_FPU=y -DCONFIG_FP_HARDABI=y
cortex-m33 hard -DCONFIG_CPU_CORTEX_M33=y -DCONFIG_FPU=y -DCONFIG_FP_HARDABI=y
cortex-m55 hard -DCONFIG_CPU_CORTEX_M55=y -DCONFIG_FPU=y -DCONFIG_FP_HARDABI=y
cortex-m85 hard -DCONFIG_CPU_CORTEX_M85=y -DCONFIG_FPU=y -DCONFIG_FP_HARDABI=y
riscv32 soft -DCONFIG_RISCV=y
CONFIGURATIONS
    pass "Zephyr: the module takes the library of core and ABI"
  else
    leave "Zephyr's module, as cmake is not here"
  fi
  if python3 -c 'import kconfiglib' 2> /dev/null; then
    python3 -c '
import sys, kconfiglib
symbol = kconfiglib.Kconfig(sys.argv[1], warn_to_stderr=False).syms["QUANTINFER"]
sys.exit(symbol.type != kconfiglib.BOOL or "depends on" not in str(symbol))' "$package/zephyr/Kconfig" || fail "zephyr/Kconfig can't be read"
    pass "Zephyr: Kconfig by kconfiglib"
  else
    leave "Zephyr's Kconfig, as kconfiglib is not here"
  fi
  if [ -n "${ZEPHYR_BASE:-}" ]; then
    cmake -S "$package/examples/zephyr" -B build/package-application -G Ninja -DBOARD=mps2/an386 \
      -DZEPHYR_EXTRA_MODULES="$root/$package" > build/package-application.log 2>&1 &&
      cmake --build build/package-application >> build/package-application.log 2>&1 ||
      fail "Zephyr's application isn't built: $(tail -5 build/package-application.log)"
    pass "Zephyr: an application for mps2/an386 is built"
  else
    leave "an application of Zephyr, as ZEPHYR_BASE names none: its files were read without it"
  fi
}

make_twice "${1:-}"
check_sums
check_libraries
check_programs
check_example
check_pack
check_sbom
check_zephyr
echo "package: $passed passed, 0 failed"
