# Another project's program by arm-none-eabi-gcc, which links the library as it is: sourced by boards.sh.

# Compilers by apt, where they aren't there; whether they are then.
setup_gcc() {
  command -v arm-none-eabi-g++ > /dev/null && return
  local root=
  [ "$(id -u)" -eq 0 ] || root=sudo
  if command -v apt-get > /dev/null && { [ -z "$root" ] || command -v sudo > /dev/null; }; then
    echo "Installing gcc-arm-none-eabi with apt"
    # shellcheck disable=SC2086
    { $root apt-get update -qq && $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
      --no-install-recommends gcc-arm-none-eabi libnewlib-arm-none-eabi > /dev/null; } || true
  fi
  command -v arm-none-eabi-g++ > /dev/null
}

# toolset, triple, board: each ABI, and where time isn't short, as it is in CI, further cores.
consumers() {
  cat <<'CONSUMERS'
cortex-m0 armv6m-none-none-eabi microbit
cortex-m4 armv7em-none-none-eabi mps2-an386
cortex-m4-softfp armv7em-none-none-eabi mps2-an386
cortex-m4-hard armv7em-none-none-eabi mps2-an386
CONSUMERS
  [ -z "${CI:-}" ] || return 0
  cat <<'CONSUMERS'
cortex-m3 armv7em-none-none-eabi mps2-an385
cortex-m7-hard armv7em-none-none-eabi mps2-an500
cortex-m33-hard armv7em-none-none-eabi mps2-an505
cortex-m55-hard armv7em-none-none-eabi mps3-an547
CONSUMERS
}

# The library for a toolset, where compare_examples hasn't built it.
consumer_library() {  # toolset triple
  case "$1" in cortex-m0 | cortex-m4) ;; *) library - "$1" "$2" ;; esac
}

# A program by GCC in C11 or C++17, which links the library as it is: build/firmware/TOOLSET/NAME.elf. No warning is let pass, of compiler or
# linker.
program_by_gcc() {  # toolset language name source [option]...
  local folder="build/firmware/$1" compiler=arm-none-eabi-gcc standard=c11 option script machine=()
  [ "$2" = c ] || { compiler=arm-none-eabi-g++ standard=c++17; }
  for option in $(python3 Firmware/toolsets.py options "$1"); do [[ $option != -m* ]] || machine+=("$option"); done
  script="${LINKER:-$(python3 Firmware/toolsets.py script "$1")}"
  # Each step by &&: in a caller's condition the shell goes on after a failure.
  (
    strict=("${machine[@]}" -Os -ffunction-sections -fdata-sections -Wall -Wextra -pedantic -Werror)
    includes=(-I Sources/Board/include -I ../build/firmware -I "../$folder")
    cd Firmware &&
      "$compiler" -x "${2/cpp/c++}" -std="$standard" "${strict[@]}" -fno-exceptions "${includes[@]}" "${@:5}" -c "$4" -o "../$folder/$3.o" &&
      arm-none-eabi-gcc -std=c11 "${strict[@]}" -c Sources/Payload/model.c -o "../$folder/model.o" &&
      # The emulated board's own part; it looks below the end of the stack, of which GCC knows no beginning.
      arm-none-eabi-gcc "${machine[@]}" -ffreestanding -Os -ffunction-sections -Wall -Wextra -Werror -Wno-array-bounds \
        "${includes[@]}" -c Sources/Board/startup.c -o "../$folder/startup.o" &&
      # The C library's assembly says nothing of the stack.
      arm-none-eabi-gcc "${machine[@]}" --specs=nano.specs -nostartfiles -Wl,--gc-sections,--fatal-warnings,-z,noexecstack \
        -T "$script" -o "../$folder/$3.elf" "../$folder/$3.o" \
        "../$folder/model.o" "../$folder/startup.o" "../$folder/${LIBRARY:-libquantinfer}.a"
  )
}

consumer() { program_by_gcc "$1" "$2" "consumer-$2" Consumer/consumer.c; }  # toolset language

# All of them decide as the host does, with no warning.
compare_consumers() {
  [ -z "${CI:-}" ] || echo "firmware: programs of another compiler on the Cortex-M0 and M4 alone; make check-all has more cores"
  setup_gcc || { echo "firmware: no arm-none-eabi-gcc, so no program of another compiler is built or run"; return; }
  local expected lines
  expected="build/firmware/host.$(basename "$MODEL" .qinf).txt"
  two_at_a_time consumer_library < <(consumers)
  while read -r toolset _ board; do
    for language in c cpp; do
      lines="build/firmware/$toolset/consumer-$language.txt"
      if consumer "$toolset" "$language" &&
        emulate qemu-system-arm "$board" "build/firmware/$toolset/consumer-$language.elf" > "$lines" &&
        diff <(grep '^decision' "$expected") "$lines"; then
        echo "$board ($toolset), program by GCC in ${language/cpp/c++}: the host's decisions"
        passed=$((passed + 1))
      else
        echo "$board ($toolset), program by GCC in ${language/cpp/c++}: fails"
        failed=$((failed + 1))
      fi
    done
  done < <(consumers)
}
