// The instructions of ARM's DSP extension that the kernels use, on other processors, and with QI_PLAIN, in plain C: the same
// bits, so that a host can test every shape.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "CKernels.h"

#if defined(__arm__) && defined(__ARM_FEATURE_DSP) && !defined(QI_PLAIN)
#define QI_HAS_DSP 1
#include <arm_acle.h>
#else
#define QI_HAS_DSP 0
#endif

#define QI_INLINE static inline __attribute__((always_inline))

// Bytes 0 and 2 of a word as two numbers of 16 bits.
QI_INLINE int32_t qi_sxtb16(int32_t word) {
#if QI_HAS_DSP
  return __sxtb16(word);
#else
  return (int32_t)((uint32_t)(uint16_t)(int8_t)word | (uint32_t)(uint16_t)(int8_t)(word >> 16) << 16);
#endif
}

// Bytes 1 and 3 of a word as two numbers of 16 bits.
QI_INLINE int32_t qi_sxtb16_odd(int32_t word) {
#if QI_HAS_DSP
  return __sxtb16((int32_t)__ror((uint32_t)word, 8));
#else
  return qi_sxtb16((int32_t)((uint32_t)word >> 8));
#endif
}

// The sum of the products of both halves, and of a third number; it wraps.
QI_INLINE int32_t qi_smlad(int32_t a, int32_t b, int32_t sum) {
#if QI_HAS_DSP
  return __smlad(a, b, sum);
#else
  const uint32_t low = (uint32_t)((int16_t)a * (int16_t)b), high = (uint32_t)((a >> 16) * (b >> 16));
  return (int32_t)(low + high + (uint32_t)sum);
#endif
}

// The product of the lower halves, and of the upper ones, added to a third number; it wraps.
QI_INLINE int32_t qi_smlabb(int32_t a, int32_t b, int32_t sum) {
#if QI_HAS_DSP
  return __smlabb(a, b, sum);
#else
  return (int32_t)((uint32_t)((int16_t)a * (int16_t)b) + (uint32_t)sum);
#endif
}

QI_INLINE int32_t qi_smlatt(int32_t a, int32_t b, int32_t sum) {
#if QI_HAS_DSP
  return __smlatt(a, b, sum);
#else
  return (int32_t)((uint32_t)((a >> 16) * (b >> 16)) + (uint32_t)sum);
#endif
}

// The upper half of the product, rounded, added to a third number: c + floor((a * b + 2^31) / 2^32); it wraps.
QI_INLINE int32_t qi_smmlar(int32_t a, int32_t b, int32_t c) {
#if QI_HAS_DSP
  int32_t result;
  __asm__("smmlar %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(c));
  return result;
#else
  return (int32_t)((uint32_t)c + (uint32_t)(((int64_t)a * b + 0x80000000ll) >> 32));
#endif
}

// The sum, limited to 32 bits.
QI_INLINE int32_t qi_qadd(int32_t a, int32_t b) {
#if QI_HAS_DSP
  return __qadd(a, b);
#else
  const int64_t sum = (int64_t)a + b;
  return sum > INT32_MAX ? INT32_MAX : sum < INT32_MIN ? INT32_MIN : (int32_t)sum;
#endif
}

// The sum of the products of both halves; it wraps.
QI_INLINE int32_t qi_smuad(int32_t a, int32_t b) {
#if QI_HAS_DSP
  return __smuad(a, b);
#else
  return qi_smlad(a, b, 0);
#endif
}

// The first number's lower half times the other's upper half, less its upper half times the other's lower half.
QI_INLINE int32_t qi_smusdx(int32_t a, int32_t b) {
#if QI_HAS_DSP
  return __smusdx(a, b);
#else
  return (int32_t)((uint32_t)((int16_t)a * (b >> 16)) - (uint32_t)((a >> 16) * (int16_t)b));
#endif
}

// A number limited to 8 bits.
QI_INLINE int32_t qi_ssat8(int32_t a) {
#if QI_HAS_DSP
  return __ssat(a, 8);
#else
  return a < -128 ? -128 : a > 127 ? 127 : a;
#endif
}

// Four bytes at any address.
QI_INLINE int32_t qi_load4(const void *_Nonnull from) {
  int32_t word;
  __builtin_memcpy(&word, from, 4);
  return word;
}

QI_INLINE void qi_store4(void *_Nonnull to, int32_t word) { __builtin_memcpy(to, &word, 4); }

// MARK: - Codes

// Whether `qi_short_code` serves a channel: it is scaled to the right, and so little that the zero point can be added before.
QI_INLINE bool qi_is_short(const qi_requantization *_Nonnull r, ptrdiff_t channel) {
  return (uint32_t)(-1 - r->shifts[channel]) <= 21 && r->multipliers[channel] != 0;
}

// A sum as a code that is not limited yet; `zeroPoint` is twice the zero point and 1.
//
// A multiplier is 2^30 at least, so that twice of it is less by 2^32 where it is taken for a number with a sign. Halves
// are rounded away from zero: a negative number counts as one less. Should the zero point's addition leave 32 bits, then
// the code lies beyond its limits in any case.
QI_INLINE int32_t qi_short_code(int32_t sum, int32_t multiplier, int32_t shift, int32_t zeroPoint) {
  const int32_t high = qi_smmlar(sum, (int32_t)((uint32_t)multiplier << 1), sum);
  return qi_qadd(high + (high >> 31), (int32_t)((uint32_t)zeroPoint << (-1 - shift))) >> -shift;
}

// The code of a sum with its bias, of any channel.
int8_t qi_code(const qi_requantization *_Nonnull r, ptrdiff_t channel, int32_t sum);

// The codes of the sums of some neighbouring channels.
void qi_codes(
  const qi_requantization *_Nonnull r, ptrdiff_t channel, ptrdiff_t count, const int32_t *_Nonnull sums,
  int8_t *_Nonnull output);

// Limits codes to what fewer than 8 bits have.
void qi_limit(const qi_requantization *_Nonnull r, int8_t *_Nonnull codes, ptrdiff_t count);

// MARK: - Rows

// A row is a product's inputs, widened to 16 bits. Each quad has its inputs in the order 0, 2, 1, 3. The quads of a single
// row lie one after the other, `step` 4; those of two rows take turns, `step` 8, the second row's begin 4 after the first
// one's.

// Two numbers of 16 bits in a row.
typedef int32_t __attribute__((may_alias)) qi_pair;

// Puts quads of codes into a row, so many pairs apart.
void qi_put_quads(const int8_t *_Nonnull codes, ptrdiff_t quads, qi_pair *_Nonnull quad, ptrdiff_t step);

// MARK: - Sums

// Adds a quad of inputs times its weights in one channel to a sum.
QI_INLINE int32_t qi_dot(int32_t sum, int32_t even, int32_t odd, const int8_t *_Nonnull weights) {
  const int32_t word = qi_load4(weights);
  return qi_smlad(odd, qi_sxtb16_odd(word), qi_smlad(even, qi_sxtb16(word), sum));
}

// One row or two, and some channels of a product: a multiple of four channels, of which those that `qi_is_short` get their codes. The
// order is known to the assembly.
typedef struct qi_rows_times_channels {
  const int16_t *_Nonnull rows;
  ptrdiff_t byteCount;  // of a block's weights
  uintptr_t entry;      // of the assembly's own
  const int32_t *_Nonnull biases;
  const int32_t *_Nonnull multipliers;
  const int8_t *_Nonnull shifts;
  int32_t zeroPoint;            // twice the zero point and 1
  const int32_t *_Nonnull end;  // of the multipliers
  int8_t *_Nonnull output;
  // For two rows: the distance of their outputs; from the end of two channels' weights to the next two channels': 8 less the
  // size of a block, -8.
  ptrdiff_t outputStride;
  ptrdiff_t step, nextStep;
  const int8_t *_Nonnull weights;
} qi_rows_times_channels;

// Computes output[channel] or output[row][channel], codes of 8 bits.
void qi_one_row(const qi_rows_times_channels *_Nonnull operands);
void qi_two_rows(const qi_rows_times_channels *_Nonnull operands);

// Adds a single row, codes in their own order, times four channels, whose weights end at `end`, to their sums.
void qi_one_row_of_codes(
  const int8_t *_Nonnull row, const int8_t *_Nonnull weights, const int8_t *_Nonnull end, int32_t sums[_Nonnull 4]);

// A tap: how far from a pixel's first input its inputs lie, its weights of the channels 0 and 2, and of 1 and 3.
typedef struct qi_tap {
  ptrdiff_t distance;
  int32_t even, odd;
} qi_tap;

// A depthwise convolution's taps for four channels and some pixels, each of which has its inputs in the same places. The order
// is known to the assembly.
typedef struct qi_taps {
  const qi_tap *_Nonnull first;
  // The sums to begin with.
  int32_t biases[4];
  // Of each channel twice the multiplier, half of the last place and the zero point before the shift, and the shift to the
  // right less 1.
  int32_t multipliers[4], halves[4], shifts[4];
  qi_tap taps[];
} qi_taps;

// Where a run of pixels lies, one at least. The order is known to the assembly.
typedef struct qi_pixels {
  const int8_t *_Nonnull input;
  ptrdiff_t tapCount;  // may be 0
  int8_t *_Nonnull output;
  ptrdiff_t inputStep, outputStep, count;
} qi_pixels;

// Computes four channels of some pixels, codes of 8 bits.
void qi_four_channels(const qi_taps *_Nonnull taps, const qi_pixels *_Nonnull pixels);
