// What the kernels for AVX-512 share: vectors of 16 sums, one an output channel, scaled to codes.
#pragma once
#if defined(__x86_64__)
#include "../InstructionSets.h"
#include <immintrin.h>
#include <string.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni"))), apply_to = function)

// The constants of 16 output channels; 64-bit constants are those of the even and the odd channels. Where all of them
// shift right, one 64-bit sum does both roundings, as avx2.h says.
typedef struct {
  __m512i multiplier, oddMultiplier, shift;
  __m512i evenRounding, oddRounding, upperHalfShift;
  bool allShiftRight;
} Scales;

ALWAYS_INLINE __m512i oddLanes(__m512i x) { return _mm512_shuffle_epi32(x, 0xF5); }

ALWAYS_INLINE Scales makeScales(__m512i multiplier, __m512i shift) {
  const __m512i one = _mm512_set1_epi64(1), tie = _mm512_set1_epi64(1LL << 30);
  const __m512i right = _mm512_sub_epi32(_mm512_setzero_si512(), shift);
  const __m512i exponent = _mm512_add_epi32(right, _mm512_set1_epi32(30));
  const __m512i even = _mm512_and_si512(exponent, _mm512_set1_epi64(0xFFFFFFFF));
  return (Scales){
    .multiplier = multiplier,
    .oddMultiplier = oddLanes(multiplier),
    .shift = shift,
    .evenRounding = _mm512_add_epi64(_mm512_sllv_epi64(one, even), tie),
    .oddRounding = _mm512_add_epi64(_mm512_sllv_epi64(one, _mm512_srli_epi64(exponent, 32)), tie),
    .upperHalfShift = _mm512_sub_epi32(right, _mm512_set1_epi32(1)),
    .allShiftRight = _mm512_cmplt_epi32_mask(shift, _mm512_setzero_si512()) == 0xFFFF,
  };
}

// A product with its roundings; 2^31 less below 0.
ALWAYS_INLINE __m512i rounded(__m512i product, __m512i rounding) {
  const __mmask8 isBelow0 = _mm512_cmplt_epi64_mask(product, _mm512_setzero_si512());
  const __m512i sum = _mm512_add_epi64(product, rounding);
  return _mm512_mask_sub_epi64(sum, isBelow0, sum, _mm512_set1_epi64(1LL << 31));
}

ALWAYS_INLINE __m512i scaledRight(__m512i x, const Scales *s) {
  const __m512i even = rounded(_mm512_mul_epi32(x, s->multiplier), s->evenRounding);
  const __m512i odd = rounded(_mm512_mul_epi32(oddLanes(x), s->oddMultiplier), s->oddRounding);
  return _mm512_srav_epi32(_mm512_mask_blend_epi32(0xAAAA, oddLanes(even), odd), s->upperHalfShift);
}

// As scaledRight, one rounding after the other, with any shifts.
static __attribute__((noinline, unused)) __m512i scaledAnyWay(__m512i x, __m512i multiplier, __m512i shift) {
  const __m512i zero = _mm512_setzero_si512(), one = _mm512_set1_epi32(1), tie = _mm512_set1_epi64(1 << 30);
  x = _mm512_sllv_epi32(x, _mm512_max_epi32(shift, zero));
  const __m512i even = _mm512_add_epi64(_mm512_mul_epi32(x, multiplier), tie);
  const __m512i odd = _mm512_add_epi64(_mm512_mul_epi32(oddLanes(x), oddLanes(multiplier)), tie);
  const __m512i y = _mm512_mask_blend_epi32(0xAAAA, _mm512_srli_epi64(even, 31), _mm512_slli_epi64(odd, 1));

  const __m512i right = _mm512_max_epi32(_mm512_sub_epi32(zero, shift), zero);
  const __m512i mask = _mm512_sub_epi32(_mm512_sllv_epi32(one, right), one);
  const __m512i threshold = _mm512_add_epi32(_mm512_srli_epi32(mask, 1), _mm512_srli_epi32(y, 31));
  const __mmask16 isAbove = _mm512_cmpgt_epi32_mask(_mm512_and_si512(y, mask), threshold);
  const __m512i quotient = _mm512_srav_epi32(y, right);
  return _mm512_mask_add_epi32(quotient, isAbove, quotient, one);
}

ALWAYS_INLINE __m512i scaled(__m512i x, const Scales *s) {
  return __builtin_expect(s->allShiftRight, true) ? scaledRight(x, s) : scaledAnyWay(x, s->multiplier, s->shift);
}

#pragma clang attribute pop
#endif
