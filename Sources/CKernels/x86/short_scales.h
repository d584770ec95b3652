// Sums of bytes' products scaled to codes in fewer steps than avx512.h takes, where shifts and sums allow it.
#pragma once
#if defined(__x86_64__)
#include "avx512.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni"))), apply_to = function)

// No sum of so many products of bytes and a bias below 2^29 reaches 2^30.
enum { mostShortProducts = 1 << 15 };

// Where all channels shift right, and no sum reaches 2^30, a sum's double has y of qi_requantization in the upper half of
// its product, and takes one rounding.
typedef struct {
  Scales scales;
  __m512i evenRounding, oddRounding, right;
} ShortScales;

ALWAYS_INLINE ShortScales makeShortScales(__m512i multiplier, __m512i shift) {
  const __m512i one = _mm512_set1_epi64(1), tie = _mm512_set1_epi64(1ll << 31);
  const __m512i right = _mm512_sub_epi32(_mm512_setzero_si512(), shift);
  const __m512i exponent = _mm512_add_epi32(right, _mm512_set1_epi32(31));
  const __m512i even = _mm512_and_si512(exponent, _mm512_set1_epi64(0xFFFFFFFF));
  return (ShortScales){
    .scales = makeScales(multiplier, shift),
    .evenRounding = _mm512_add_epi64(_mm512_sllv_epi64(one, even), tie),
    .oddRounding = _mm512_add_epi64(_mm512_sllv_epi64(one, _mm512_srli_epi64(exponent, 32)), tie),
    .right = right,
  };
}

// Whether no bias reaches 2^29.
ALWAYS_INLINE bool areSmall(__m512i biases) {
  return _mm512_cmpge_epu32_mask(_mm512_abs_epi32(biases), _mm512_set1_epi32(1 << 29)) == 0;
}

// Whether the short way does for sums of `mostShortProducts` products at most.
ALWAYS_INLINE bool isShort(const ShortScales *s, __m512i biases) {
  return s->scales.allShiftRight && areSmall(biases);
}

// The upper halves of 16 products, rounded: y of numbers that are doubled.
ALWAYS_INLINE __m512i productUpperHalves(__m512i twice, const ShortScales *s) {
  const __m512i even = _mm512_add_epi64(_mm512_mul_epi32(twice, s->scales.multiplier), s->evenRounding);
  const __m512i odd = _mm512_add_epi64(_mm512_mul_epi32(oddLanes(twice), s->scales.oddMultiplier), s->oddRounding);
  return _mm512_mask_shuffle_epi32(odd, 0x5555, even, 0xF5);
}

// Scaled sums; those of the long way with the zero point, which may make them wrap.
ALWAYS_INLINE __m512i scaledSums(const bool isShortWay, __m512i x, const ShortScales *s, __m512i zeroPoint) {
  if (!isShortWay) return _mm512_add_epi32(scaled(x, &s->scales), zeroPoint);
  const __m512i y = productUpperHalves(_mm512_add_epi32(x, x), s);
  return _mm512_srav_epi32(_mm512_add_epi32(y, _mm512_srai_epi32(x, 31)), s->right);
}

// A sum that is scaled alone, where the short way does: without constants to prepare.
ALWAYS_INLINE __m512i scaledOnce(__m512i x, __m512i multiplier, __m512i shift) {
  const __m512i twice = _mm512_add_epi32(x, x), tie = _mm512_set1_epi64(1ll << 31);
  const __m512i even = _mm512_add_epi64(_mm512_mul_epi32(twice, multiplier), tie);
  const __m512i odd = _mm512_add_epi64(_mm512_mul_epi32(oddLanes(twice), oddLanes(multiplier)), tie);
  const __m512i y = _mm512_mask_shuffle_epi32(odd, 0x5555, even, 0xF5);
  const __m512i right = _mm512_sub_epi32(_mm512_setzero_si512(), shift);
  const __m512i half = _mm512_sllv_epi32(_mm512_set1_epi32(1), _mm512_sub_epi32(right, _mm512_set1_epi32(1)));
  return _mm512_srav_epi32(_mm512_add_epi32(_mm512_add_epi32(y, half), _mm512_srai_epi32(x, 31)), right);
}

// Four vectors of scaled sums as codes, one behind the other. The zero point is in 16 bits, the limits in 8.
ALWAYS_INLINE __m512i packed(const __m512i *sums, __m512i zeroPoint, __m512i minimum, __m512i maximum) {
  const __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(sums[0], sums[1]), zeroPoint);
  const __m512i high = _mm512_adds_epi16(_mm512_packs_epi32(sums[2], sums[3]), zeroPoint);
  const __m512i codes = _mm512_permutexvar_epi32(
    _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), _mm512_packs_epi16(low, high));
  return _mm512_min_epi8(_mm512_max_epi8(codes, minimum), maximum);
}

#pragma clang attribute pop
#endif
