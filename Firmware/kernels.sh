#!/bin/bash
# Compares the kernels' assembly with their plain C on emulated boards, for random shapes; see Kernels/main.c.
# usage: Firmware/kernels.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

command -v qemu-system-arm >/dev/null || { echo "firmware: no qemu-system-arm, so the kernels are not compared"; exit 0; }
clang="$(dirname "$(readlink -f "$(command -v swift)")")/clang"
kernels=../Sources/CKernels
folder=../build/firmware/kernels
mkdir -p "$folder"

compile() {  # core file name [option]...
  # Vector instructions share the registers for floating point.
  local abi=soft
  [ "$1" != cortex-m55 ] || abi=softfp
  "$clang" --target=armv7em-none-none-eabi -mcpu="$1" -mthumb -mfloat-abi="$abi" -ffreestanding -Os -ffunction-sections \
    -I "$kernels/include" -I Sources/Board/include -c "$2" -o "$folder/$3.o" "${@:4}"
}

# The plain kernels' names: what the assembly's are called in sources and header.
plain=()
for name in two_rows one_row one_row_of_codes four_channels code codes limit put_quads peak sums pairs_distance scaled_codes weighed folded folded_bins level_codes; do plain+=("-Dqi_$name=plain_$name"); done
for name in convolution fully_connected depthwise fft_stage; do plain+=("-Dqi_${name}_dsp=plain_$name"); done

while read -r core board linker; do
  rm -f "$folder"/*.o
  for file in "$kernels"/dsp*.c "$kernels"/beats.c "$kernels"/spectrum.c; do
    compile "$core" "$file" "$(basename "$file" .c)"
    compile "$core" "$file" "plain-$(basename "$file" .c)" -DQI_PLAIN "${plain[@]}"
  done
  for file in "$kernels"/mve*.c; do
    [ "$core" != cortex-m55 ] || compile "$core" "$file" "$(basename "$file" .c)"
  done
  for file in Kernels/main.c Sources/Board/startup.c Sources/Board/memory.c; do
    compile "$core" "$file" "$(basename "$file" .c)"
  done
  "$clang" --target=armv7em-none-none-eabi -mcpu="$core" -nostdlib -fuse-ld=lld -Wl,--gc-sections -T "Linker/$linker" \
    -o "$folder/$board.elf" "$folder"/*.o
  echo "$board ($core):"
  timeout 120 qemu-system-arm -M "$board" -display none -monitor none -serial none \
    -semihosting-config enable=on,target=native -kernel "$folder/$board.elf" < /dev/null 2>&1
done <<'BOARDS'
cortex-m4 mps2-an386 mps2.ld
cortex-m7 mps2-an500 mps2.ld
cortex-m55 mps3-an547 mps3-an547.ld
BOARDS
