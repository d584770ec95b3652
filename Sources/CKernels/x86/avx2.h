// What the kernels for AVX2 share: vectors of 8 sums, one an output channel, scaled to codes.
#pragma once
#if defined(__x86_64__)
#include "../InstructionSets.h"
#include <immintrin.h>
#include <string.h>

#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)

// The constants of 8 output channels.
//
// Where all of them shift right, one 64-bit sum does both roundings: y and z of qi_requantization together are
//   floor((x * multiplier + 2^30 + 2^(30 + right) - (x < 0 ? 2^31 : 0)) / 2^(31 + right)),
// the upper half of that sum, shifted right by right - 1. 64-bit constants are those of the even and the odd channels.
typedef struct {
  __m256i multiplier, oddMultiplier, shift;
  __m256i evenRounding, oddRounding, evenRoundingBelow0, oddRoundingBelow0, upperHalfShift;
  bool allShiftRight;
} Scales;

// Moves odd lanes to the even ones, which are those that a 32 x 32 bit multiplication reads.
ALWAYS_INLINE __m256i oddLanes(__m256i x) { return _mm256_shuffle_epi32(x, 0xF5); }

ALWAYS_INLINE Scales makeScales(__m256i multiplier, __m256i shift) {
  const __m256i one = _mm256_set1_epi64x(1);
  __m256i right = _mm256_sub_epi32(_mm256_setzero_si256(), shift);
  __m256i exponent = _mm256_add_epi32(right, _mm256_set1_epi32(30));
  __m256i evenHalf = _mm256_sllv_epi64(one, _mm256_and_si256(exponent, _mm256_set1_epi64x(0xFFFFFFFF)));
  __m256i oddHalf = _mm256_sllv_epi64(one, _mm256_srli_epi64(exponent, 32));
  __m256i tie = _mm256_set1_epi64x(1LL << 30), tieBelow0 = _mm256_set1_epi64x(-(1LL << 30));
  return (Scales){
    .multiplier = multiplier,
    .oddMultiplier = oddLanes(multiplier),
    .shift = shift,
    .evenRounding = _mm256_add_epi64(evenHalf, tie),
    .oddRounding = _mm256_add_epi64(oddHalf, tie),
    .evenRoundingBelow0 = _mm256_add_epi64(evenHalf, tieBelow0),
    .oddRoundingBelow0 = _mm256_add_epi64(oddHalf, tieBelow0),
    .upperHalfShift = _mm256_sub_epi32(right, _mm256_set1_epi32(1)),
    .allShiftRight = _mm256_movemask_ps(_mm256_castsi256_ps(shift)) == 0xFF,
  };
}

// A vector whose 64-bit lanes are those of `below0` where `x` is negative, else those of `other`.
ALWAYS_INLINE __m256i selectBySign(__m256i x, __m256i other, __m256i below0) {
  return _mm256_castpd_si256(
    _mm256_blendv_pd(_mm256_castsi256_pd(other), _mm256_castsi256_pd(below0), _mm256_castsi256_pd(x)));
}

ALWAYS_INLINE __m256i scaledRight(__m256i x, const Scales *s) {
  __m256i even = _mm256_mul_epi32(x, s->multiplier);
  __m256i odd = _mm256_mul_epi32(oddLanes(x), s->oddMultiplier);
  even = _mm256_add_epi64(even, selectBySign(even, s->evenRounding, s->evenRoundingBelow0));
  odd = _mm256_add_epi64(odd, selectBySign(odd, s->oddRounding, s->oddRoundingBelow0));
  __m256i upperHalves = _mm256_blend_epi32(oddLanes(even), odd, 0xAA);
  return _mm256_srav_epi32(upperHalves, s->upperHalfShift);
}

// As scaledRight, one rounding after the other, with any shifts.
static __attribute__((noinline, unused)) __m256i scaledAnyWay(__m256i x, __m256i multiplier, __m256i shift) {
  const __m256i zero = _mm256_setzero_si256(), one = _mm256_set1_epi32(1), tie = _mm256_set1_epi64x(1 << 30);
  x = _mm256_sllv_epi32(x, _mm256_max_epi32(shift, zero));
  __m256i even = _mm256_add_epi64(_mm256_mul_epi32(x, multiplier), tie);
  __m256i odd = _mm256_add_epi64(_mm256_mul_epi32(oddLanes(x), oddLanes(multiplier)), tie);
  __m256i y = _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_slli_epi64(odd, 1), 0xAA);

  __m256i right = _mm256_max_epi32(_mm256_sub_epi32(zero, shift), zero);
  __m256i mask = _mm256_sub_epi32(_mm256_sllv_epi32(one, right), one);
  __m256i threshold = _mm256_add_epi32(_mm256_srli_epi32(mask, 1), _mm256_srli_epi32(y, 31));
  __m256i isAbove = _mm256_cmpgt_epi32(_mm256_and_si256(y, mask), threshold);  // -1 where true
  return _mm256_sub_epi32(_mm256_srav_epi32(y, right), isAbove);
}

ALWAYS_INLINE __m256i scaled(__m256i x, const Scales *s) {
  return __builtin_expect(s->allShiftRight, true) ? scaledRight(x, s) : scaledAnyWay(x, s->multiplier, s->shift);
}

// Elements low ..< low + 4, high ..< high + 4.
ALWAYS_INLINE __m256i loadHalves(const int32_t *values, ptrdiff_t low, ptrdiff_t high) {
  return _mm256_set_m128i(
    _mm_loadu_si128((const __m128i *)(values + high)), _mm_loadu_si128((const __m128i *)(values + low)));
}

// The same of shifts, widened.
ALWAYS_INLINE __m256i widenHalves(const int8_t *values, ptrdiff_t low, ptrdiff_t high) {
  int32_t lower, upper;
  memcpy(&lower, values + low, 4);
  memcpy(&upper, values + high, 4);
  return _mm256_cvtepi8_epi32(_mm_set_epi32(0, 0, upper, lower));
}

#pragma clang attribute pop
#endif
