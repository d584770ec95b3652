// The stages of a Fourier transform of 256 real samples by themselves, to be counted on the Cortex-M4.
#include "Board.h"
#include "CKernels.h"

enum { count = 128 };

static _Alignas(4) int16_t data[2 * count], twiddles[2 * count];

// As RealFFT.transform has them: each scales the block by what its greatest magnitude needs.
__attribute__((noinline)) int32_t whole_transform(int32_t greatest) {
  for (ptrdiff_t half = 1; half < count; half *= 2) {
    const int32_t shift = greatest <= 13570 ? 0 : greatest <= 27140 ? 1 : 2;
    greatest = qi_fft_stage_dsp(data, count, half, twiddles, shift);
  }
  return greatest;
}

int main(int argc, char **argv) {
  (void)argc, (void)argv;
  // The instructions are the same whatever the numbers are; no product of these leaves its bits.
  uint32_t noise = 1;
  for (int index = 0; index < 2 * count; index += 1) {
    noise = noise * 1664525 + 1013904223;
    data[index] = (int16_t)(noise >> 16) >> 2;
    twiddles[index] = (int16_t)(noise >> 16) >> 2;
  }
  return whole_transform(8192) < 0;
}
