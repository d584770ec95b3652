#!/bin/bash
# Writes the code sizes of the runtime's kernels, from object files of an Embedded Swift build, as Swift source.
# usage: Firmware/kernel-sizes.sh FOLDER_OF_OBJECTS > Sources/Quantization/KernelSizes.swift
set -euo pipefail
tools="$(dirname "$(readlink -f "$(command -v swift)")")"
cat <<'SWIFT'
/// The kernels' code on a Cortex-M4 in bytes, of Embedded Swift 6.3 with `-Osize`: written by `make kernel-sizes`.
///
/// A kernel's code for a type of codes stands beside what both types share, its checks included.
enum KernelSizes {
  static let bytes: [String: Int] = [
SWIFT
{
  "$tools/llvm-nm" --print-size "$1"/*.swift.o 2>/dev/null | "$tools/swift-demangle" --compact \
    | grep -E '^[0-9a-f]+ [0-9a-f]+ [tTwW] ' | grep -v computeColumn \
    | sed -E 's/^[0-9a-f]+ ([0-9a-f]+) [tTwW] /\1 /' | sort -u -k2 \
    | sed -nE 's/^([0-9a-f]+) (function signature specialization .* of )?generic specialization <Swift\.(Int8|Int16)> of (static )?QuantInfer\.(Convolution|Depthwise|FullyConnected|Pooling|Elementwise|Rearrangement|Mean|Functions|Softmax|SVDF|InstructionSet\.product)[.<(].*/\1 \5 \3/p;
              s/^([0-9a-f]+) (static )?QuantInfer\.(Convolution|Depthwise|FullyConnected|Pooling|Elementwise|Rearrangement|Mean|Functions|Softmax|SVDF)[.(].*/\1 \3 shared/p' \
    | while read -r size kernel type; do echo "$((16#$size)) ${kernel/InstructionSet.product/MatrixProduct} ${type,}"; done
  # The C of each kernel, for codes of int8.
  while read -r file kernel; do
    "$tools/llvm-nm" --print-size "$1/../CKernels.build/$file.c.o" | grep -E '^[0-9a-f]+ [0-9a-f]+ [tT] ' \
      | while read -r _ size _; do echo "$((16#$size)) $kernel int8"; done
  done <<< $'dsp MatrixProduct\ndsp_convolution Convolution\ndsp_depthwise Depthwise'
} \
  | awk '{ bytes[$2 " " $3] += $1 } END { for (key in bytes) print key, bytes[key] }' | sort \
  | awk '{ printf "    \"%s.%s\": %d,\n", $1, $2, $3 }'
printf '  ]\n}\n'
