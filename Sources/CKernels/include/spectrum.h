// A spectrogram's column: a short window's Fourier transform by its definition, and the codes of log magnitudes.
#pragma once

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

// Samples times weights: floor(sample * weight / 2^32). Returns the or of all of these, of negative ones less one.
uint32_t qi_weighed(const int32_t *samples, const int32_t *weights, ptrdiff_t count, int32_t *weighed);

// A window's weighed samples x, `count` of them, 32 or 64, divided by 2^shift, rounded with halves up, and folded twice: four
// rows of count / 4 numbers, limited to 16 bits. With h as half the count, of number m
//
//   a = x[h + m], b = x[h - 1 - m], c = x[count - 1 - m], d = x[m]
//   the rows have (a + b) + (c + d); (a - b) - (c - d); (a + b) - (c + d); (a - b) + (c - d)
//
// The first two are what even bins are made of, their real and imaginary parts; the others are those of odd bins.
// `shift` is in 2 ... 31, and so that no number is left that is more than 2^13. `folded` is aligned to 4 bytes.
void qi_folded(const int32_t *weighed, ptrdiff_t count, int32_t shift, int16_t *folded);

// Bins of the transform, from `firstBin` on: of each the real and the imaginary part, the products of its two rows with
// count / 4 factors each, which lie one behind the other. Sums wrap. Rows and factors are aligned to 4 bytes. There is one bin at
// least. Returns the or of all parts, of negative ones less one.
uint32_t qi_folded_bins(
  const int16_t *folded, ptrdiff_t count, const int16_t *factors, ptrdiff_t firstBin, ptrdiff_t binCount, int32_t *parts);

// How bins become codes: see <doc:NumericContract>.
typedef struct qi_levels {
  int32_t shift;  // 0 ... 31
  uint32_t floorPower;
  int32_t offsetLog2Q16;
  int32_t codesPerPowerDoublingQ6;  // 1 ... 2^12
  int32_t zeroLevelCode;
} qi_levels;

// Codes of the log magnitudes of bins, one at least, a real and an imaginary part each, both times 2^shift, which leaves them in 32
// bits:
//
//   power = floor(real^2 / 2^32) + floor(imaginary^2 / 2^32) + floorPower, 1 at least
//   level = log2(power) + offset, 0 at least
//   code = floor((level * codesPerPowerDoubling + 2^21) / 2^22) + zeroLevelCode, limited to 8 bits
void qi_level_codes(const int32_t *parts, ptrdiff_t binCount, const qi_levels *levels, int8_t *codes);

#pragma clang assume_nonnull end
