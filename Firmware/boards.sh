#!/bin/bash
# Builds the firmware for the emulated boards, and runs it there and on the host.
# usage: Firmware/boards.sh setup | build [BOARD]... | test [BOARD]...
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

MODEL="${MODEL:-Models/ecg-beats/ecg-beats.qinf}"
RECORD="${RECORD:-Models/records/mitdb-208}"

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

# The model image and samples as C, on a model without a front end without samples.
payload() {
  swift build -c release --product exporter
  local exporter file=Firmware/Sources/Payload/model.c
  exporter="$(swift build -c release --show-bin-path)/exporter"
  if ! "$exporter" export "$MODEL" --format c --name model --record "$RECORD" --output "$file.new" > /dev/null 2>&1; then
    "$exporter" export "$MODEL" --format c --name model --output "$file.new" > /dev/null
    printf '\nconst int16_t model_samples[1] = {0};\nconst size_t model_sample_count = 0;\n' >> "$file.new"
  fi
  # Unchanged, it keeps its time, and nothing is built again.
  if cmp -s "$file" "$file.new"; then rm "$file.new"; else mv "$file.new" "$file"; fi
}

# Builds a product for a core.
compile() {  # toolset triple product
  # A change of a toolset alone doesn't make SwiftPM build again.
  local scratch=".build-firmware/$1" stamp=".build-firmware/$1/toolset"
  mkdir -p "$scratch"
  cmp -s "Firmware/Toolsets/$1.json" "$stamp" || touch Firmware/Package.swift
  swift build --package-path Firmware -c release --triple "$2" --toolset "Firmware/Toolsets/$1.json" \
    --scratch-path "$scratch" --product "$3"
  cp "Firmware/Toolsets/$1.json" "$stamp"
}

elf() { echo ".build-firmware/$1/$2/release/$3"; }  # toolset triple product

build() {
  payload
  while read -r board toolset triple _; do
    echo "Building for $board ($toolset)"
    compile "$toolset" "$triple" Firmware
    check_no_heap "$(elf "$toolset" "$triple" Firmware)"
  done < <(wanted "$@")
}

# No symbol of a heap may be in a firmware.
check_no_heap() {
  local nm found
  nm="$(dirname "$(readlink -f "$(command -v swift)")")/llvm-nm"
  found="$("$nm" "$1" | awk '{ print $NF }' \
    | grep -E '^_?(malloc|calloc|realloc|free|posix_memalign|aligned_alloc|_sbrk|sbrk|swift_allocObject|swift_slowAlloc|swift_retain|swift_release)$' || true)"
  [ -z "$found" ] || { echo "error: $1: links $(xargs <<< "$found"); the firmware must do without a heap" >&2; exit 1; }
}

# Runs a firmware on a board until it ends; its status is the firmware's.
emulate() {  # qemu board elf
  local bios=()
  [ "$2" != virt ] || bios=(-bios none)
  timeout 120 "$1" -M "$2" "${bios[@]}" -display none -monitor none -serial none \
    -semihosting-config enable=on,target=native -kernel "$3" "${@:4}" < /dev/null 2>&1
}

run_on_host() {
  swift build --package-path Firmware -c release --scratch-path .build-firmware/host --product Firmware >&2
  .build-firmware/host/release/Firmware
}

test_boards() {
  local passed=0 failed=0 expected=build/firmware/host.txt
  build "$@"
  mkdir -p build/firmware
  run_on_host > "$expected" || { echo "error: the host's own runs differ; see $expected" >&2; exit 1; }
  while read -r board toolset triple qemu; do
    local lines="build/firmware/$board.txt" status=0
    emulate "$qemu" "$board" "$(elf "$toolset" "$triple" Firmware)" > "$lines" || status=$?
    if [ "$status" -eq 0 ] && diff "$expected" "$lines" > "$lines.diff"; then
      echo "$board ($toolset): $(wc -l < "$lines") lines as on the host"
      passed=$((passed + 1))
    else
      echo "$board ($toolset): status $status, differs from the host:"
      head -20 "$lines.diff"
      failed=$((failed + 1))
    fi
  done < <(wanted "$@")
  echo "firmware: $passed passed, $failed failed"
  [ "$failed" -eq 0 ]
}

command="${1:-}"
shift || true
case "$command" in
  setup) setup ;;
  build) build "$@" ;;
  test)
    setup || { echo "firmware: skipped, as QEMU is not here and can't be installed"; exit 0; }
    test_boards "$@"
    ;;
  *) sed -n '2,3p' "${BASH_SOURCE[0]}" >&2; exit 64 ;;
esac
