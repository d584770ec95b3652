// AVX2: sums, differences, products and extremes of two tensors, 8 codes at a time.
#if defined(__x86_64__)
#include "avx2.h"

#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)

typedef struct {
  Scales first, second, result;
  __m256i firstZeroPoint, secondZeroPoint, zeroPoint, minimum, maximum;
  __m128i firstLeftShift, secondLeftShift;
} Constants;

ALWAYS_INLINE Scales sameScales(const qi_factor *factor) {
  return makeScales(_mm256_set1_epi32(factor->multiplier), _mm256_set1_epi32(factor->shift));
}

// How an input of a sum is scaled behind a shift to the left. A factor without a shift, which the input of the greater scale
// has, is one with a shift of 1 behind another bit to the left: the same product, rounded once.
ALWAYS_INLINE Scales inputScales(const qi_factor *factor, int32_t leftShift, __m128i *shift) {
  Scales scales = sameScales(factor);
  if (factor->shift == 0) {
    leftShift += 1;
    scales.evenRounding = scales.oddRounding = _mm256_set1_epi64x(1LL << 31);
    scales.evenRoundingBelow0 = scales.oddRoundingBelow0 = scales.evenRounding;
    scales.upperHalfShift = _mm256_setzero_si256();
    scales.allShiftRight = true;
  }
  *shift = _mm_cvtsi32_si128(leftShift);
  return scales;
}

ALWAYS_INLINE __m256i limited(__m256i code, const Constants *c) {
  return _mm256_min_epi32(_mm256_max_epi32(code, c->minimum), c->maximum);
}

ALWAYS_INLINE __m256i combined(const qi_operation operation, __m256i x, __m256i y, const Constants *c) {
  if (operation == qi_maximum) return limited(_mm256_max_epi32(x, y), c);
  if (operation == qi_minimum) return limited(_mm256_min_epi32(x, y), c);
  x = _mm256_sub_epi32(x, c->firstZeroPoint);
  y = _mm256_sub_epi32(y, c->secondZeroPoint);
  __m256i value;
  if (operation == qi_product) {
    value = _mm256_mullo_epi32(x, y);
  } else {
    x = scaled(_mm256_sll_epi32(x, c->firstLeftShift), &c->first);
    y = scaled(_mm256_sll_epi32(y, c->secondLeftShift), &c->second);
    value = operation == qi_sum ? _mm256_add_epi32(x, y) : _mm256_sub_epi32(x, y);
  }
  return limited(_mm256_add_epi32(scaled(value, &c->result), c->zeroPoint), c);
}

// Eight codes of one after the other.
ALWAYS_INLINE int64_t combined8(const qi_operation operation, int64_t x, int64_t y, const Constants *c) {
  __m256i codes = combined(
    operation, _mm256_cvtepi8_epi32(_mm_cvtsi64_si128(x)), _mm256_cvtepi8_epi32(_mm_cvtsi64_si128(y)), c);
  __m128i halves = _mm_packs_epi32(_mm256_castsi256_si128(codes), _mm256_extracti128_si256(codes, 1));
  return _mm_cvtsi128_si64(_mm_packs_epi16(halves, halves));
}

// Some codes of an input.
ALWAYS_INLINE void loadCodes(int64_t *codes, const int8_t *source, ptrdiff_t index, size_t count, bool repeats) {
  if (repeats) {
    memset(codes, source[0], 8);
  } else {
    memcpy(codes, source + index, count);
  }
}

ALWAYS_INLINE void combineRow(const qi_operation operation, const qi_elementwise *e, const Constants *c, int8_t *output) {
  int64_t x = 0, y = 0, codes;
  ptrdiff_t index = 0;
  for (; index + 8 <= e->count; index += 8) {
    loadCodes(&x, e->first, index, 8, e->firstRepeats);
    loadCodes(&y, e->second, index, 8, e->secondRepeats);
    codes = combined8(operation, x, y, c);
    memcpy(output + index, &codes, 8);
  }
  const size_t rest = (size_t)(e->count - index);
  if (rest == 0) return;
  loadCodes(&x, e->first, index, rest, e->firstRepeats);
  loadCodes(&y, e->second, index, rest, e->secondRepeats);
  codes = combined8(operation, x, y, c);
  memcpy(output + index, &codes, rest);
}

ALWAYS_INLINE void combineAll(const qi_operation operation, const qi_elementwise *e, const Constants *c, int8_t *output) {
  qi_elementwise row = *e;
  for (ptrdiff_t left = e->rows; left > 0; left--, output += e->count) {
    combineRow(operation, &row, c, output);
    row.first += e->firstRowStride;
    row.second += e->secondRowStride;
  }
}

void qi_elementwise_avx2(const qi_elementwise *e, int8_t *output) {
  Constants constants = {
    .result = sameScales(&e->resultFactor),
    .firstZeroPoint = _mm256_set1_epi32(e->firstZeroPoint),
    .secondZeroPoint = _mm256_set1_epi32(e->secondZeroPoint),
    .zeroPoint = _mm256_set1_epi32(e->zeroPoint),
    .minimum = _mm256_set1_epi32(e->minimum),
    .maximum = _mm256_set1_epi32(e->maximum),
  };
  constants.first = inputScales(&e->firstFactor, e->leftShift, &constants.firstLeftShift);
  constants.second = inputScales(&e->secondFactor, e->leftShift, &constants.secondLeftShift);
  switch (e->operation) {
    case qi_sum: combineAll(qi_sum, e, &constants, output); break;
    case qi_difference: combineAll(qi_difference, e, &constants, output); break;
    case qi_product: combineAll(qi_product, e, &constants, output); break;
    case qi_maximum: combineAll(qi_maximum, e, &constants, output); break;
    case qi_minimum: combineAll(qi_minimum, e, &constants, output); break;
  }
}

#pragma clang attribute pop
#endif
