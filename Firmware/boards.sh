#!/bin/bash
# Builds the firmware for the emulated boards, and runs it there and on the host.
# usage: Firmware/boards.sh setup | build [BOARD]... | target BOARD... | ports [PORT]... | test [BOARD]... | mutants THOUSANDS | report | cycles MODEL [FLASH] | sensed MODEL | blocks | sizes |
# example | package FOLDER [OPTION]... | monitor SECONDS | monitor-sizes | mlperf FOLDER
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The operators of a package: of the model that is named, or all.
PACKAGED="${MODEL:-}"
MODEL="${MODEL:-Models/ecg-beats/ecg-beats.qinf}"
RECORD="${RECORD:-Models/records/mitdb-208}"
SENSED=Models/ecg-beats-implant/ecg-beats-implant.qinf
TOOLSETS=build/toolsets
python3 Firmware/toolsets.py write "$TOOLSETS"
SIGNAL_SECONDS="${SIGNAL_SECONDS:-30}"

# board, its core's toolset, the triple of Embedded Swift's library, QEMU's program
boards() {
  cat <<'BOARDS'
microbit cortex-m0 armv6m-none-none-eabi qemu-system-arm
mps2-an386 cortex-m4 armv7em-none-none-eabi qemu-system-arm
mps2-an500 cortex-m7 armv7em-none-none-eabi qemu-system-arm
mps3-an547 cortex-m55 armv7em-none-none-eabi qemu-system-arm
virt riscv32 riscv32-none-none-eabi qemu-system-riscv32
BOARDS
}

# The wanted boards' lines; all without a name.
wanted() {
  local line
  [ $# -gt 0 ] || { boards; return; }
  for board in "$@"; do
    line="$(boards | awk -v board="$board" '$1 == board')"
    [ -n "$line" ] || { echo "error: $board: no such board; one of $(boards | cut -d' ' -f1 | xargs)" >&2; exit 1; }
    echo "$line"
  done
}

# QEMU by apt, where it isn't there; status 3 where it can't be had.
setup() {
  local packages=
  command -v qemu-system-arm >/dev/null || packages+=" qemu-system-arm"
  command -v qemu-system-riscv32 >/dev/null || packages+=" qemu-system-misc"
  [ -n "$packages" ] || return 0
  local root=
  [ "$(id -u)" -eq 0 ] || root=sudo
  if command -v apt-get >/dev/null && { [ -z "$root" ] || command -v sudo >/dev/null; }; then
    echo "Installing$packages with apt"
    # shellcheck disable=SC2086
    $root apt-get update -qq &&
      $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null &&
      return 0
  elif command -v brew >/dev/null; then
    echo "Installing qemu with brew"
    brew install --quiet qemu && return 0
  fi
  return 3
}

# Builds the commands once a run: whoever runs the tests meanwhile holds the lock on their folder for minutes.
COMMANDS=
commands() {
  [ -z "$COMMANDS" ] || return 0
  swift build -c release --product exporter
  swift build -c release --product device-sim
  COMMANDS="$(swift build -c release --show-bin-path)"
  # Of the network of two leads, what a library for it needs.
  mkdir -p build/firmware
  "$COMMANDS/exporter" export Firmware/Leads/signs.qinf --format c --name leads --output build/firmware/leads.c > /dev/null
}

# The model image and samples as C, on a model without a front end without samples; with the shipped model also a patch.
payload() {  # model
  commands
  local exporter="$COMMANDS/exporter" folder=build/firmware/payload patch=()
  mkdir -p "$folder"
  [ "$1" != Models/ecg-beats/ecg-beats.qinf ] || patch=(--patch Firmware/Monitor/mitdb-208.qpatch)
  if ! "$exporter" export "$1" --format c --name model --record "$RECORD" --seconds "$SIGNAL_SECONDS" "${patch[@]}" \
    --output "$folder/model.c" > /dev/null 2>&1; then
    "$exporter" export "$1" --format c --name model --output "$folder/model.c" > /dev/null
    printf '\nconst int16_t model_samples[1] = {0};\nconst size_t model_sample_count = 0;\nconst int32_t model_monitor[11] = {0};\n' >> "$folder/model.c"
  fi
  # Unchanged, it keeps its time, and nothing is built again.
  cmp -s "$folder/model.c" Firmware/Sources/Payload/model.c || cp "$folder/model.c" Firmware/Sources/Payload/model.c
  cp "$folder/model.h" build/firmware/model.h
}

# Builds a product for a core; nothing comes from a network.
compile() {  # toolset triple product [option]...
  compile_into ".build-firmware/$1" "$@"
}

compile_into() {  # folder toolset triple product [option]...
  # A change of a toolset alone doesn't make SwiftPM build again.
  local toolset="$TOOLSETS/$2.json" stamp="$1/toolset"
  mkdir -p "$1"
  cmp -s "$toolset" "$stamp" || touch Firmware/Package.swift
  QUANTINFER_RUNTIME_ONLY=1 swift build --package-path Firmware -c release --triple "$3" --toolset "$toolset" \
    --scratch-path "$1" --product "$4" "${@:5}"
  cp "$toolset" "$stamp"
}

tool() { echo "$(dirname "$(readlink -f "$(command -v swift)")")/$1"; }

elf() { echo ".build-firmware/$1/$2/release/$3"; }  # toolset triple product

build() {
  payload "$MODEL"
  two_at_a_time firmware < <(wanted "$@")
}

firmware() {  # board toolset triple
  echo "Building for $1 ($2)"
  compile "$2" "$3" Firmware
  check_no_heap "$(elf "$2" "$3" Firmware)"
  [ "$2" != cortex-m4 ] || check_traps "$(elf "$2" "$3" Firmware)" build/firmware/firmware.dis firmware
}

# No more instructions that stop the core than Firmware/traps.json says: 0 in the example, which is set-up, samples and decisions
# with the operators of the shipped model.
check_traps() {  # elf listing name
  mkdir -p build/firmware
  "$(tool llvm-objdump)" -d --no-show-raw-insn "$1" | "$(tool swift-demangle)" --compact > "$2"
  python3 Firmware/report.py traps "$2" Firmware/traps.json "$3"
}

# The firmware that device-sim's --target talks to: build/firmware/target-BOARD.elf. It carries the model in flash.
target() {  # board...
  payload "$MODEL"
  while read -r board toolset triple _; do
    compile "$toolset" "$triple" Target
    check_no_heap "$(elf "$toolset" "$triple" Target)"
    cp "$(elf "$toolset" "$triple" Target)" "build/firmware/target-$board.elf"
    echo "build/firmware/target-$board.elf"
  done < <(wanted "$@")
}

# The same for boards on a desk, Sources/Board/ports: compiled and linked here, and run by nobody yet. build/firmware/target-PORT.elf, and as
# .bin and .hex for tools that flash these.
ports() {  # port...
  local port core triple file
  payload "$MODEL"
  python3 Firmware/toolsets.py write-ports "$TOOLSETS"
  while read -r port core triple; do
    [ $# -eq 0 ] || [[ " $* " == *" $port "* ]] || continue
    compile "$port" "$triple" Target
    file="build/firmware/target-$port"
    cp "$(elf "$port" "$triple" Target)" "$file.elf"
    check_no_heap "$file.elf"
    "$(tool llvm-objcopy)" -O binary "$file.elf" "$file.bin"
    "$(tool llvm-objcopy)" -O ihex "$file.elf" "$file.hex"
    check_port "$file.elf" "$file.bin"
    echo "$file.elf: for a $core, $(stat -c %s "$file.bin" 2> /dev/null || stat -f %z "$file.bin") bytes of flash; compiled, not run"
  done < <(python3 Firmware/toolsets.py ports)
}

# What of a port can be seen without its board: its vectors stand first in flash, with the stack's end and the reset; the counter, the
# fault and the source of samples are the port's own, not the stand-ins; and nothing calls a debugger.
check_port() {  # elf bytes
  local found words symbol
  found="$("$(tool llvm-nm)" "$1")"
  read -ra words < <(od -An -tx4 -N8 "$2")
  [ "${words[0]}" = "$(awk '$3 == "stack_end" { print $1 }' <<< "$found")" ] &&
    [ "$((0x${words[1]} & ~1))" -eq "$((0x$(awk '$3 == "start" { print $1 }' <<< "$found") & ~1))" ] ||
    { echo "error: $1: doesn't begin with the stack's end and the reset" >&2; return 1; }
  for symbol in source_start source_next board_ticked board_faulted wire_ticks; do
    grep -q " T $symbol\$" <<< "$found" || { echo "error: $1: has no $symbol of its own" >&2; return 1; }
  done
  if "$(tool llvm-objdump)" -d --no-show-raw-insn "$1" | grep -qw bkpt; then
    echo "error: $1: calls a debugger" >&2
    return 1
  fi
}

# Runs a function for each line of standard input, with its words; fails where one of them does.
two_at_a_time() {  # function
  local running=() status=0 words
  while read -ra words; do
    "$1" "${words[@]}" < /dev/null &
    running+=($!)
    if [ "${#running[@]}" -eq 2 ]; then
      wait "${running[0]}" || status=1
      running=("${running[1]}")
    fi
  done
  for process in "${running[@]}"; do wait "$process" || status=1; done
  return "$status"
}

# No symbol of a heap may be in a firmware.
check_no_heap() {
  local found
  found="$("$(tool llvm-nm)" "$1" | awk '{ print $NF }' \
    | grep -E '^_?(malloc|calloc|realloc|free|posix_memalign|aligned_alloc|_sbrk|sbrk|swift_allocObject|swift_slowAlloc|swift_retain|swift_release)$' || true)"
  [ -z "$found" ] || { echo "error: $1: links $(xargs <<< "$found"); the firmware must do without a heap" >&2; exit 1; }
}

# The C interface's library and header for a core, with what a pipeline of the payload's model needs, in build/firmware/CORE.
library() {  # board toolset triple
  local conditions
  shift
  read -ra conditions < <(pipeline_conditions)
  build_library "$1" "$2" "${conditions[@]}"
  check_no_variables "build/firmware/$1/libquantinfer.a"
}

# With what a monitor may have beside it, sleep and patches, and with what the network of two leads needs, which so takes no library of its own.
monitor_library() {  # board toolset triple
  local conditions
  shift
  read -ra conditions < <(sed -n 's/^.*: swift build //p' Firmware/Sources/Payload/model.c build/firmware/leads.c | xargs)
  conditions+=(-Xswiftc -DQUANTINFER_RHYTHM -Xswiftc -DQUANTINFER_SLEEP -Xswiftc -DQUANTINFER_PATCH)
  LIBRARY=libquantinfer-monitor build_library "$1" "$2" "${conditions[@]}"
  check_no_variables "build/firmware/$1/libquantinfer-monitor.a"
}

# The conditions that the payload names, but for those of a monitor.
pipeline_conditions() {
  sed -n 's/^.*: swift build //p' Firmware/Sources/Payload/model.c | sed -E 's/ -Xswiftc -DQUANTINFER_(RHYTHM|SLEEP|PATCH)//g'
}

build_library() {  # toolset triple [condition]...
  local library="${LIBRARY:-libquantinfer}"
  local root=".build-firmware/$1-${library#lib}" folder="build/firmware/$1"
  mkdir -p "$folder"
  compile_into "$root" "$1" "$2" quantinfer-c "${@:3}"
  cp "$root/$2/release/libquantinfer-c.a" "$folder/$library.a"
  cp Sources/CQuantInfer/include/quantinfer.h "$folder/"
}

# A library keeps nothing in RAM of its own: all is in the memory that it is given.
check_no_variables() {
  local found
  found="$("$(tool llvm-nm)" "$1" 2> /dev/null | awk '$2 ~ /^[bBdDcC]$/ { print $3 }' || true)"
  [ -z "$found" ] || { echo "error: $1: variables: $(xargs <<< "$found"); the library must have none" >&2; exit 1; }
}

# The example in C, with the board's start-up: build/firmware/CORE/example.elf.
example() { program "$1" "$2" example Example/main.c; }  # toolset triple

# A program in C with the library and the board's start-up: build/firmware/CORE/NAME.elf.
program() {  # toolset triple name source [option]...
  local options script
  read -ra options < <(python3 Firmware/toolsets.py options "$1")
  script="${LINKER:-$(python3 Firmware/toolsets.py script "$1")}"
  (
    cd Firmware
    "$(tool clang)" --target="$2" "${options[@]}" -Wall -Wextra -nostdlib -fuse-ld=lld -Wl,--gc-sections \
      -T "$script" "${@:5}" -I Sources/Board/include -I ../build/firmware -I "../build/firmware/$1" \
      -o "../build/firmware/$1/$3.elf" "$4" Sources/Payload/model.c Sources/Board/startup.c \
      Sources/Board/memory.c "../build/firmware/$1/${LIBRARY:-libquantinfer}.a"
  )
}

# The example's memory is what the exporter says, to the byte, and its code and stack are at most what the page says.
check_example() {  # toolset lines
  local name="build/firmware/$1/example" stated code stack instructions
  "$(tool llvm-nm)" --print-size "$name.elf" | "$(tool swift-demangle)" --compact > "$name.nm"
  # Each with its own end: in a caller's condition the shell goes on after a failure.
  python3 Firmware/report.py memory "$name.nm" build/firmware/inspect.json || return 1
  code="$(python3 Firmware/report.py code "$name.nm")"
  stack="$(sed -n 's/^stack \([0-9]*\) B$/\1/p' "$2")"
  echo "$1, example in C: $code bytes of code, $stack of stack"
  "$(tool llvm-objdump)" -d -z --no-show-raw-insn "$name.elf" > "$name.lst"
  python3 Firmware/stack.py check "$name.lst" docs/guides/Placement.md "$1" "$stack" || return 1
  [ "$1" = cortex-m4 ] || return 0
  check_traps "$name.elf" "$name.dis" example || return 1
  instructions="$(count_example "$name")"
  echo "$1, example in C: $instructions instructions"
  read -ra stated < <(sed -nE 's/.*at most ([0-9,]+) bytes of code and ([0-9,]+) of stack, and the example at most ([0-9,]+) instr.*/\1 \2 \3/p' \
    docs/guides/Firmware.md | tr -d ,)
  if [ "$code" -gt "${stated[0]}" ] || [ "$stack" -gt "${stated[1]}" ] || [ "$instructions" -gt "${stated[2]}" ]; then
    echo "error: docs/guides/Firmware.md states at most ${stated[0]}, ${stated[1]} and ${stated[2]}" >&2
    return 1
  fi
}

# All instructions of the example on the Cortex-M4: set-up, samples, decisions and what it prints.
count_example() {  # name
  counter
  python3 Firmware/report.py symbols "$1.nm" > "$1.symbols"
  emulate qemu-system-arm mps2-an386 "$1.elf" \
    -plugin "build/firmware/instructions.so,symbols=$1.symbols,output=$1.counts" > /dev/null
  awk '$1 == "total" { print $3 }' "$1.counts"
}

# shellcheck source=Firmware/consumers.sh
source Firmware/consumers.sh

# Runs a firmware on a board until it ends; its status is the firmware's.
emulate() {  # qemu board elf
  local bios=()
  [ "$2" != virt ] || bios=(-bios none)
  timeout "${EMULATION_SECONDS:-120}" "$1" -M "$2" "${bios[@]}" -display none -monitor none -serial none \
    -semihosting-config enable=on,target=native -kernel "$3" "${@:4}" < /dev/null 2>&1
}

run_on_host() {
  QUANTINFER_RUNTIME_ONLY=1 swift build --package-path Firmware -c release --scratch-path .build-firmware/host \
    --product Firmware >&2
  .build-firmware/host/release/Firmware
}

passed=0
failed=0

# Runs a model on some boards, and compares every line but the stack's with the host's.
compare() {  # model [board]...
  local name expected lines status
  name="$(basename "$1" .qinf)"
  expected="build/firmware/host.$name.txt"
  mkdir -p build/firmware
  MODEL="$1" build "${@:2}"
  run_on_host > "$expected" || { echo "error: the host's own runs differ; see $expected" >&2; exit 1; }
  while read -r board toolset triple qemu; do
    lines="build/firmware/$board.$name.txt"
    status=0
    emulate "$qemu" "$board" "$(elf "$toolset" "$triple" Firmware)" > "$lines" || status=$?
    if [ "$status" -eq 0 ] && diff <(grep -v '^stack' "$expected") <(grep -v '^stack' "$lines") > "$lines.diff"; then
      echo "$board ($toolset), $name: $(wc -l < "$lines") lines as on the host"
      passed=$((passed + 1))
    else
      echo "$board ($toolset), $name: status $status, differs from the host:"
      head -20 "$lines.diff"
      failed=$((failed + 1))
    fi
  done < <(wanted "${@:2}")
}

# The C interface's example decides as the host does, with the memory, code and stack that were promised.
compare_examples() {  # [board]...
  "$COMMANDS/exporter" inspect "$MODEL" --json build/firmware/inspect.json > /dev/null
  two_at_a_time library < <(wanted "$@")
  while read -r board toolset triple qemu; do
    local lines="build/firmware/$toolset/example.txt"
    example "$toolset" "$triple"
    check_no_heap "build/firmware/$toolset/example.elf"
    if emulate "$qemu" "$board" "build/firmware/$toolset/example.elf" > "$lines" &&
      diff <(grep '^decision' "build/firmware/host.$(basename "$MODEL" .qinf).txt") <(grep -v '^stack' "$lines") &&
      check_example "$toolset" "$lines"; then
      echo "$board ($toolset), example in C: the host's decisions"
      passed=$((passed + 1))
    else
      echo "$board ($toolset), example in C: fails"
      failed=$((failed + 1))
    fi
  done < <(wanted "$@")
}

# The whole device in C: by samples, by blocks over a brown-out and through the queue, awake, asleep and patched, what the host's
# Monitor says; and frames from an interrupt with a main loop that is late. See Monitor/main.c and Late/main.c.
compare_monitors() {  # [board]...
  two_at_a_time monitor_library < <(wanted "$@")
  while read -r board toolset triple qemu; do
    compare_monitor "$board" "$toolset" "$triple" "$qemu"
    case "$board" in microbit | mps2-an386) ! command -v arm-none-eabi-gcc > /dev/null || compare_monitor_by_gcc "$board" "$toolset" "$qemu" ;; esac
    # The boards with an ARM core have its timer.
    [ "$board" = virt ] || come_late "$board" "$toolset" "$triple" "$qemu"
    [ "$board" = mps2-an386 ] || continue
    count_feed "$board" "$toolset" "$triple" "$qemu"
    # Of another model nothing is stated.
    [ "$MODEL" != Models/ecg-beats/ecg-beats.qinf ] || count_work "$board" "$toolset" "$triple" "$qemu"
  done < <(wanted "$@")
}

compare_monitor() {  # board toolset triple qemu
  LIBRARY=libquantinfer-monitor program "$2" "$3" monitor Monitor/main.c
  check_no_heap "build/firmware/$2/monitor.elf"
  compare_monitor_runs "$1" "$2" "$4" monitor "in C"
}

# The same by GCC.
compare_monitor_by_gcc() {  # board toolset qemu [option]...
  if LIBRARY=libquantinfer-monitor program_by_gcc "$2" c monitor-gcc Monitor/main.c "${@:4}"; then
    compare_monitor_runs "$1" "$2" "$3" monitor-gcc "in C by GCC"
  else
    echo "$1 ($2), monitor in C by GCC: isn't built"
    failed=$((failed + 1))
  fi
}

compare_monitor_runs() {  # board toolset qemu program words
  local lines="build/firmware/$2/$4.txt" expected
  expected="build/firmware/host.$(basename "$MODEL" .qinf).txt"
  if emulate "$3" "$1" "build/firmware/$2/$4.elf" > "$lines" &&
    diff <(grep -E 'announcements|times' "$expected") <(grep -v '^stack\|^decision' "$lines"); then
    echo "$1 ($2), monitor $5: $(grep -c announcements "$lines") runs of $SIGNAL_SECONDS s as the host's, $(tail -1 "$lines")"
    passed=$((passed + 1))
  else
    echo "$1 ($2), monitor $5: fails"
    failed=$((failed + 1))
  fi
}

come_late() {  # board toolset triple qemu
  local lines="build/firmware/$2/late.txt"
  LIBRARY=libquantinfer-monitor program "$2" "$3" late Late/main.c
  # Time by instructions, so that the emulator's own pauses are none of the board's.
  if emulate "$4" "$1" "build/firmware/$2/late.elf" -icount shift=0 > "$lines"; then
    echo "$1 ($2), frames by interrupt: $(tail -1 "$lines")"
    passed=$((passed + 1))
  else
    echo "$1 ($2), frames by interrupt: fails: $(tail -1 "$lines")"
    failed=$((failed + 1))
  fi
}

# What a frame costs in an interrupt: at most what quantinfer.h says.
count_feed() {  # board toolset triple qemu
  local name="build/firmware/$2/late"
  counter
  "$(tool llvm-nm)" --print-size "$name.elf" | "$(tool swift-demangle)" --compact > "$name.nm"
  python3 Firmware/report.py symbols "$name.nm" > "$name.symbols"
  emulate "$4" "$1" "$name.elf" -icount shift=0 \
    -plugin "build/firmware/instructions.so,symbols=$name.symbols,output=$name.counts" > /dev/null
  "$(tool llvm-objdump)" -d -z --no-show-raw-insn "$name.elf" > "$name.lst"
  if python3 Firmware/report.py feed "$name.counts" Sources/CQuantInfer/include/quantinfer.h "$name.lst" docs/guides/Placement.md; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
  fi
}

# What each call of the main loop takes: at most what docs/guides/Firmware.md says of it.
count_work() {  # board toolset triple qemu
  local name="build/firmware/$2/work"
  counter
  LIBRARY=libquantinfer-monitor program "$2" "$3" work Counter/work.c
  "$(tool llvm-nm)" --print-size "$name.elf" | "$(tool swift-demangle)" --compact > "$name.nm"
  python3 Firmware/report.py main-loop "$name.nm" > "$name.symbols"
  "$COMMANDS/exporter" inspect "$MODEL" --json build/firmware/inspect.json > /dev/null
  if emulate "$4" "$1" "$name.elf" -plugin "build/firmware/instructions.so,symbols=$name.symbols,output=$name.counts" > "$name.txt" &&
    python3 Firmware/report.py main-loop "$name.counts" "$name.txt" build/firmware/inspect.json docs/guides/Firmware.md; then
    passed=$((passed + 1))
  else
    echo "$1 ($2), calls of the main loop: fails"
    failed=$((failed + 1))
  fi
}

# What a frame takes in blocks, with beats that are sensed and with beats that are found.
count_blocks() {
  local name pace
  payload "$MODEL"
  counter
  LIBRARY=libquantinfer-blocks exact_library mps2-an386 cortex-m4 armv7em-none-none-eabi
  for pace in GIVEN DETECTED; do
    name="build/firmware/cortex-m4/blocks-$pace"
    LIBRARY=libquantinfer-blocks program cortex-m4 armv7em-none-none-eabi "blocks-$pace" Counter/blocks.c "-DPACE=QUANTINFER_${pace}_BEATS"
    "$(tool llvm-nm)" --print-size "$name.elf" | "$(tool swift-demangle)" --compact > "$name.nm"
    python3 Firmware/report.py blocks "$name.nm" > "$name.symbols"
    emulate qemu-system-arm mps2-an386 "$name.elf" -plugin "build/firmware/instructions.so,symbols=$name.symbols,output=$name.counts"
  done
  python3 Firmware/report.py blocks "$((128 * SIGNAL_SECONDS))" build/firmware/cortex-m4/blocks-{GIVEN,DETECTED}.counts
}

# A longer record on the Cortex-M4 and on the Cortex-M0, whose code runs on the Cortex-M4's board, as its own has no room for the record: by a
# program that GCC has built, sample by sample, in blocks over a brown-out and through the queue, and decision by decision what `device-sim
# stream` says of the same record.
long_monitors() {  # seconds
  setup_gcc || { echo "error: no arm-none-eabi-gcc, which this wants" >&2; exit 1; }
  SIGNAL_SECONDS="$1" EMULATION_SECONDS=$((120 + $1))
  payload "$MODEL"
  run_on_host > "build/firmware/host.$(basename "$MODEL" .qinf).txt"
  two_at_a_time monitor_library < <(wanted microbit mps2-an386)
  LINKER=Linker/mps2.ld compare_monitor_by_gcc mps2-an386 cortex-m4 qemu-system-arm -DLIST
  LINKER=Linker/mps2.ld compare_monitor_by_gcc mps2-an386 cortex-m0 qemu-system-arm -DLIST
  stream plain
  stream awake --majority 3 --rhythm
  stream asleep --majority 3 --wake-rr 10
  stream patched --majority 3 --rhythm --patch Firmware/Monitor/mitdb-208.qpatch
  for toolset in cortex-m4 cortex-m0; do
    if python3 Firmware/report.py stream "build/firmware/$toolset/monitor-gcc.txt" build/firmware/stream-{plain,awake,asleep,patched}.json; then
      passed=$((passed + 1))
    else
      failed=$((failed + 1))
    fi
  done
  SIGNAL_SECONDS=30
  payload "$MODEL"
  echo "firmware: $passed passed, $failed failed"
  [ "$failed" -eq 0 ]
}

stream() {  # name [option]...
  "$COMMANDS/device-sim" stream --model "$MODEL" --record "$RECORD" "${@:2}" --quiet --json "build/firmware/stream-$1.json" > /dev/null
}

# The code of a program with the monitor on the Cortex-M4, by what the library is built with, a line each.
monitor_sizes() {
  local conditions option
  payload "$MODEL"
  read -ra conditions < <(pipeline_conditions)
  for option in "" RHYTHM SLEEP PATCH QUEUE; do
    LIBRARY=libquantinfer-sizes build_library cortex-m4 armv7em-none-none-eabi "${conditions[@]}" ${option:+-Xswiftc "-DQUANTINFER_$option"} >&2
    LIBRARY=libquantinfer-sizes program cortex-m4 armv7em-none-none-eabi sizes Sizes/main.c ${option:+"-D$option"}
    "$(tool llvm-nm)" --print-size build/firmware/cortex-m4/sizes.elf | "$(tool swift-demangle)" --compact > build/firmware/cortex-m4/sizes.nm
    echo "$(python3 Firmware/report.py code build/firmware/cortex-m4/sizes.nm) monitor${option:+ with $option}"
  done
}

# A network that needs both of its leads: frame by frame, over a saved state and over whole windows, as a target over two brown-outs,
# and the whole device in C, by the self-test that goes with the image. See Leads/README.md.
compare_leads() {  # [board]...
  local model=Firmware/Leads/signs.qinf
  local RECORD=Firmware/Leads/signs SIGNAL_SECONDS=40
  compare "$model" "$@"
  # On one core by a library with what the image needs and no more.
  MODEL="$model" LIBRARY=libquantinfer-leads exact_library mps2-an386 cortex-m4 armv7em-none-none-eabi
  while read -r board toolset triple qemu; do
    local lines="build/firmware/$toolset/leads.txt" library=libquantinfer-monitor
    [ "$toolset" != cortex-m4 ] || library=libquantinfer-leads
    LIBRARY="$library" program "$toolset" "$triple" leads SelfTest/main.c -I ../build/firmware/payload
    check_no_heap "build/firmware/$toolset/leads.elf"
    if emulate "$qemu" "$board" "build/firmware/$toolset/leads.elf" > "$lines" && [ "$(cat "$lines")" = "all as expected" ]; then
      echo "$board ($toolset), two leads in C: all as expected"
      passed=$((passed + 1))
    else
      echo "$board ($toolset), two leads in C: fails: $(head -1 "$lines")"
      failed=$((failed + 1))
    fi
  done < <(wanted "$@")
  MODEL="$model" TARGET_OPTIONS="--brown-out 7,20.5" compare_targets "$@"
  RECORD=Models/records/mitdb-208 SIGNAL_SECONDS=30 payload "$MODEL"
}

# The C interface's library with what the payload's image needs and no more, whole device and all.
exact_library() {  # board toolset triple
  local conditions
  read -ra conditions < <(sed -n 's/^.*: swift build //p' Firmware/Sources/Payload/model.c)
  build_library "$2" "$3" "${conditions[@]}"
  check_no_variables "build/firmware/$2/$LIBRARY.a"
}

# The board as device-sim's target: the record's samples over its serial port, and over two brown-outs; with the shipped model
# five minutes, asleep, and with a patient's patch. Then the record in its flash, which it takes by itself.
compare_targets() {  # [board]...
  target "$@" > /dev/null
  while read -r board _; do
    # shellcheck disable=SC2086
    compare_target "$board" 3 "" --record "$RECORD" ${TARGET_OPTIONS:---wake-rr 10 --majority 3 --brown-out 20,100.5}
    compare_target "$board" 1 ", its own samples" --board-record 20
    [ "$MODEL" != Models/ecg-beats/ecg-beats.qinf ] ||
      compare_target "$board" 1 ", patched" --record "$RECORD" --patch Firmware/Monitor/mitdb-208.qpatch
  done < <(wanted "$@")
}

compare_target() {  # board states what option...
  local json="build/firmware/target-$1.json" status=0
  "$COMMANDS/device-sim" stream --model "$MODEL" --target "qemu:$1@build/firmware/target-$1.elf" --quiet --json "$json" "${@:4}" \
    > /dev/null || status=$?
  if [ "$status" -eq 0 ] && python3 Firmware/report.py target "$json" "$2" "$3"; then
    passed=$((passed + 1))
  else
    echo "$1 as a target$3: status $status"
    failed=$((failed + 1))
  fi
}

# A device whose memory loses bits, on each board; see Soundness/main.c.
lose_bits() {  # [board]...
  while read -r board toolset triple qemu; do
    program "$toolset" "$triple" soundness Soundness/main.c
    if emulate "$qemu" "$board" "build/firmware/$toolset/soundness.elf" > "build/firmware/$toolset/soundness.txt"; then
      echo "$board ($toolset), lost bits: $(paste -sd' ' "build/firmware/$toolset/soundness.txt")"
      passed=$((passed + 1))
    else
      echo "$board ($toolset), lost bits: fails: $(paste -sd' ' "build/firmware/$toolset/soundness.txt")"
      failed=$((failed + 1))
    fi
  done < <(wanted "$@")
}

# Forged images on the boards, see Mutants/main.c. The Cortex-M0's code runs on the Cortex-M4's board, as its own has no room for
# an image in RAM.
forge() {  # seed count
  local lines
  while read -r board toolset triple qemu linker; do
    lines="build/firmware/$toolset/mutants.txt"
    LINKER="$linker" program "$toolset" "$triple" mutants Mutants/main.c "-DSEED=$1" "-DCOUNT=$2"
    if emulate "$qemu" "$board" "build/firmware/$toolset/mutants.elf" > "$lines"; then
      echo "$toolset on $board, seed $1: $(tail -1 "$lines")"
      passed=$((passed + 1))
    else
      echo "$toolset on $board, seed $1: fails after: $(tail -1 "$lines")"
      failed=$((failed + 1))
    fi
  done <<'BOARDS'
mps2-an386 cortex-m0 armv6m-none-none-eabi qemu-system-arm Linker/mps2.ld
mps2-an386 cortex-m4 armv7em-none-none-eabi qemu-system-arm Linker/mps2.ld
virt riscv32 riscv32-none-none-eabi qemu-system-riscv32 Linker/virt.ld
BOARDS
}

# Forged images by the thousand: each thousand once a commit, so that a run that was stopped goes on where it was.
forge_all() {  # seeds
  local seed log
  log="build/firmware/mutants-$(git rev-parse --short=12 HEAD).txt"
  setup && payload "$MODEL"
  two_at_a_time library < <(wanted microbit mps2-an386 virt)
  for ((seed = 1; seed <= $1; seed++)); do
    grep -qs "^seed $seed: passed" "$log" && continue
    forge "$seed" 1000
    [ "$failed" -eq 0 ] || { echo "seed $seed: failed" >> "$log"; exit 1; }
    echo "seed $seed: passed" >> "$log"
  done
  echo "$((3 * $1 * 1000)) forged images on three cores: no trap, no fault, nothing written outside"
}

# The public keyword-spotting model, where it is here.
compare_keywords() {
  local model=../shared/conformance/models/kws_ref_model.tflite
  [ -e "$model" ] || { echo "firmware: no $model, so the keyword-spotting model is not run"; return; }
  "$COMMANDS/exporter" import "$model" --output build/firmware/keywords.qinf > /dev/null
  compare build/firmware/keywords.qinf mps2-an386 mps2-an500 mps3-an547
  payload "$MODEL"
}

test_boards() {
  commands
  compare "$MODEL" "$@"
  compare_examples "$@"
  [ $# -gt 0 ] || compare_consumers
  compare_monitors "$@"
  compare_targets "$@"
  [ $# -gt 0 ] || ports
  compare_leads "$@"
  lose_bits "$@"
  [ $# -gt 0 ] || { forge 0 1500; compare_keywords; }
  echo "firmware: $passed passed, $failed failed"
  [ "$failed" -eq 0 ]
}

# Runs a model on a board and counts its instructions by stage: build/firmware/BOARD.MODEL.{txt,nm,counts}.
count() {  # board toolset triple qemu model [list]
  local name elf
  name="build/firmware/$1.$(basename "$5" .qinf)"
  payload "$5"
  compile "$2" "$3" Firmware
  elf="$(elf "$2" "$3" Firmware)"
  "$(tool llvm-nm)" --print-size "$elf" | "$(tool swift-demangle)" --compact > "$name.nm"
  python3 Firmware/report.py "${6:-symbols}" "$name.nm" > "$name.symbols"
  emulate "$4" "$1" "$elf" \
    -plugin "build/firmware/instructions.so,symbols=$name.symbols,output=$name.counts$(kinds "$2" "$elf" "$name.kinds")" > "$name.txt"
}

# The counter's option for a core of whose instructions the cycles are known: their kinds, and how much of the addresses is flash.
kinds() {  # toolset elf file
  case "$1" in
    cortex-m0 | cortex-m4)
      "$(tool llvm-objdump)" -d -z --no-show-raw-insn "$2" > "$3.lst"
      python3 Firmware/timing.py kinds "$3.lst" > "$3"
      echo ",kinds=$3,flash=0x10000000"
      ;;
  esac
}

# A model's cycles by stage, on the Cortex-M4 and M0.
cycles() {  # model [flash]
  counter
  while read -r board toolset triple qemu; do
    count "$board" "$toolset" "$triple" "$qemu" "$1"
    echo "$board ($toolset):"
    python3 Firmware/timing.py cycles "build/firmware/$board.$(basename "$1" .qinf).counts" "$toolset" "${@:2}"
  done < <(wanted mps2-an386 microbit)
  payload "$MODEL"
}

# MLPerf Tiny's networks in whole on the Cortex-M4: Firmware/mlperf.json.
mlperf() {  # folder
  local name
  commands
  counter
  for name in $(python3 Firmware/mlperf.py names); do
    [ -e "$1/$name.tflite" ] || { echo "error: $1/$name.tflite isn't there; take it from benchmark/training of github.com/mlcommons/tiny" >&2; exit 66; }
    "$COMMANDS/exporter" import "$1/$name.tflite" --output "build/firmware/$name.qinf" > /dev/null
    "$COMMANDS/exporter" inspect "build/firmware/$name.qinf" --json "build/firmware/$name.json" > /dev/null
    EMULATION_SECONDS=600 count mps2-an386 cortex-m4 armv7em-none-none-eabi qemu-system-arm "build/firmware/$name.qinf"
  done
  python3 Firmware/mlperf.py write build/firmware "$1"
  payload "$MODEL"
}

# Counts the instructions of a transform by itself, and lets it transform some signals: build/firmware/transform.{counts,txt}.
count_transform() {
  local options name=build/firmware/transform
  python3 Firmware/report.py signals > build/firmware/signals.h
  read -ra options < <(python3 Firmware/toolsets.py options cortex-m4)
  (
    cd Firmware
    "$(tool clang)" --target=armv7em-none-none-eabi "${options[@]}" -Wall -Wextra -Wno-unused-parameter -nostdlib \
      -fuse-ld=lld -Wl,--gc-sections -T Linker/mps2.ld -I Sources/Board/include -I ../Sources/CKernels/include \
      -I ../build/firmware -o "../$name.elf" Counter/transform.c ../Sources/CKernels/dsp_fft.c Sources/Board/startup.c Sources/Board/memory.c
  )
  "$(tool llvm-nm)" --print-size "$name.elf" > "$name.nm"
  python3 Firmware/report.py symbols "$name.nm" > "$name.symbols"
  emulate qemu-system-arm mps2-an386 "$name.elf" \
    -plugin "build/firmware/instructions.so,symbols=$name.symbols,output=$name.counts" > "$name.txt"
}

# The emulator's plugin that counts.
counter() {
  local version
  mkdir -p build/firmware
  # QEMU 9 has the second version of the interface.
  version="$(qemu-system-arm --version | sed -nE '1s/.*version ([0-9]+).*/\1/p')"
  "$(tool clang)" -O2 -Wall -Wextra -shared -fPIC -DPLUGIN_VERSION=$((version < 9 ? 1 : 2)) \
    -o build/firmware/instructions.so Firmware/Counter/instructions.c
}

# What a model of sensed beats takes on the Cortex-M4: instructions and cycles of a block and of a beat.
count_sensed() {  # model
  local name
  name="build/firmware/mps2-an386.$(basename "$1" .qinf)"
  counter
  read -r board toolset triple qemu < <(wanted mps2-an386)
  count "$board" "$toolset" "$triple" "$qemu" "$1" sensed
  python3 Firmware/report.py sensed "$name"
  payload "$MODEL"
}

report() {
  counter
  while read -r board toolset triple qemu; do count "$board" "$toolset" "$triple" "$qemu" "$MODEL"; done < <(boards)
  run_on_host > "build/firmware/host.$(basename "$MODEL" .qinf).txt"
  compare_examples
  [ "$failed" -eq 0 ]
  for layer in Firmware/Layers/*.qinf; do
    while read -r board toolset triple qemu; do count "$board" "$toolset" "$triple" "$qemu" "$layer"; done \
      < <(wanted mps2-an386 mps3-an547)
  done
  count_transform
  while read -r board toolset triple qemu; do count "$board" "$toolset" "$triple" "$qemu" "$SENSED" sensed; done < <(wanted mps2-an386)
  python3 Firmware/report.py write build/firmware
  payload "$MODEL"
}

# The code of the C example by what its library is built with: build/firmware/CORE.sizes, and as Swift.
sizes() {
  payload "$MODEL"
  two_at_a_time sizes_of <<< $'cortex-m4 armv7em-none-none-eabi\ncortex-m0 armv6m-none-none-eabi'
  python3 Firmware/report.py sizes build/firmware
}

# Every choice of operators with weights, and each other condition beside two of them; 16 bits and LSTM in runs over whole windows.
sizes_of() {  # toolset triple
  local one
  {
    for one in "" CONVOLUTION DEPTHWISE "CONVOLUTION DEPTHWISE"; do
      # shellcheck disable=SC2086
      size_of "$@" SELECTED $one
      # shellcheck disable=SC2086
      size_of "$@" SELECTED $one FULLY_CONNECTED
    done
    for one in POOLING ELEMENTWISE FUNCTIONS INT4 SAMPLES FAST_TRANSFORM EDGES WHOLE_WINDOW "WHOLE_WINDOW INT16" "WHOLE_WINDOW LSTM"; do
      # shellcheck disable=SC2086
      size_of "$@" SELECTED CONVOLUTION FULLY_CONNECTED $one
    done
    compile "$1" "$2" Firmware >&2
    "$(tool llvm-nm)" --print-size "$(elf "$1" "$2" Firmware)" | "$(tool swift-demangle)" --compact \
      > "build/firmware/$1/monitor.nm"
    echo "$(python3 Firmware/report.py monitor "build/firmware/$1/monitor.nm") MONITOR"
  } > "build/firmware/$1.sizes"
}

# A line of conditions and the bytes of code with them.
size_of() {  # toolset triple condition...
  local name="build/firmware/$1/example"
  local conditions=() condition
  for condition in "${@:3}"; do conditions+=(-Xswiftc "-DQUANTINFER_$condition"); done
  build_library "$1" "$2" "${conditions[@]}" >&2
  example "$1" "$2"
  "$(tool llvm-nm)" --print-size "$name.elf" | "$(tool swift-demangle)" --compact > "$name.nm"
  echo "$(python3 Firmware/report.py code "$name.nm") ${*:3}"
}

# The package for others' builds, see package.py.
package() {  # folder [option]...
  payload "$MODEL"
  "$COMMANDS/exporter" inspect "$MODEL" --json build/firmware/inspect.json > /dev/null
  local conditions=()
  [ -z "$PACKAGED" ] || read -ra conditions < <(sed -n 's/^.*: swift build //p' Firmware/Sources/Payload/model.c)
  echo "${conditions[*]:-}" > build/firmware/package-conditions
  python3 Firmware/package.py --model-source Firmware/Sources/Payload/model.c --model-header build/firmware/model.h \
    --inspect build/firmware/inspect.json --output "$@" ${conditions[@]+"${conditions[@]}"}
}

command="${1:-}"
shift || true
case "$command" in
  setup) setup ;;
  build) build "$@" ;;
  test)
    # The runtime's rules hold without QEMU too: the compiler checks them.
    setup || { build mps2-an386; echo "firmware: not run, as QEMU is not here and can't be installed"; exit 0; }
    test_boards "$@"
    ;;
  target) setup && target "$@" ;;
  ports) ports "$@" ;;
  mutants) forge_all "${1:?how many thousands}" ;;
  report) setup && report ;;
  cycles) setup && cycles "${@:-$MODEL}" ;;
  sensed) setup && count_sensed "${1:?which model}" ;;
  blocks) setup && count_blocks ;;
  sizes) sizes ;;
  package) package "$@" ;;
  monitor) setup && long_monitors "${1:?how many seconds}" ;;
  monitor-sizes) monitor_sizes ;;
  mlperf) setup && mlperf "${1:?which folder}" ;;
  example) payload "$MODEL" && library mps2-an386 cortex-m4 armv7em-none-none-eabi && example cortex-m4 armv7em-none-none-eabi ;;
  *) sed -n '2,4p' "${BASH_SOURCE[0]}" >&2; exit 64 ;;
esac
