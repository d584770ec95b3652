// The stages of a Fourier transform of 256 real samples by themselves, counted on the Cortex-M4, and what they make of some
// signals, in text, so that their error can be told. `report.py signals` writes the signals and twiddles.
#include "Board.h"
#include "CKernels.h"
#include "signals.h"

enum { count = SAMPLES / 2 };

static _Alignas(4) int16_t data[2 * count];

// As RealFFT.transform has them: each scales the block by what its greatest magnitude needs. Returns the sum of the shifts.
__attribute__((noinline)) int32_t whole_transform(int32_t greatest) {
  int32_t exponent = 0;
  for (ptrdiff_t half = 1; half < count; half *= 2) {
    const int32_t shift = greatest <= 13570 ? 0 : greatest <= 27140 ? 1 : 2;
    greatest = qi_fft_stage_dsp(data, count, half, twiddles, shift);
    exponent += shift;
  }
  return exponent;
}

// Puts samples in the reversed order of their pairs, as large as 16 bits allow; returns their exponent.
static int32_t load(const int16_t *signal, int32_t *greatest) {
  int32_t exponent = 0;
  *greatest = 0;
  for (int index = 0; index < SAMPLES; index += 1) {
    const int32_t magnitude = signal[index] < 0 ? -signal[index] : signal[index];
    if (magnitude > *greatest) *greatest = magnitude;
  }
  for (; 2 * *greatest < 32768; *greatest *= 2) exponent -= 1;
  for (int pair = 0; pair < count; pair += 1) {
    const uint32_t place = qi_bit_reversed((uint32_t)pair) >> (32 - __builtin_ctz(count));
    data[2 * place] = (int16_t)(signal[2 * pair] * (1 << -exponent));
    data[2 * place + 1] = (int16_t)(signal[2 * pair + 1] * (1 << -exponent));
  }
  return exponent;
}

static void put(int32_t number) {
  char digits[12], *next = digits + sizeof digits;
  uint32_t left = (uint32_t)(number < 0 ? -number : number);
  do {
    *--next = (char)('0' + left % 10);
    left /= 10;
  } while (left > 0);
  if (number < 0) *--next = '-';
  while (next < digits + sizeof digits) board_put((uint8_t)*next++);
  board_put(' ');
}

int main(int argc, char **argv) {
  (void)argc, (void)argv;
  // A line a signal: the exponent, then real and imaginary parts.
  for (size_t signal = 0; signal < sizeof signals / sizeof signals[0]; signal += 1) {
    int32_t greatest;
    const int32_t exponent = load(signals[signal], &greatest);
    put(exponent + whole_transform(greatest));
    for (int index = 0; index < 2 * count; index += 1) put(data[index]);
    board_put('\n');
  }
  return 0;
}
