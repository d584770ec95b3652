// AVX-512: sums, differences, products and extremes of two tensors, 64 codes at a time.
#if defined(__x86_64__)
#include "short_scales.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni"))), apply_to = function)

// One factor for all codes: as short_scales.h has it, behind a shift to the left that doubles too. Without a shift to the right
// there is one rounding, not two.
typedef struct {
  __m512i multiplier, rounding, right;
  __m128i twiceLeft;
} Factor;

typedef struct {
  Factor first, second, result;
  __m512i firstZeroPoint, secondZeroPoint, zeroPoint, minimum, maximum;
} Constants;

ALWAYS_INLINE Factor makeFactor(const qi_factor *factor, int32_t leftShift) {
  const int32_t right = factor->shift < 0 ? -factor->shift : 0, left = factor->shift > 0 ? factor->shift : 0;
  return (Factor){
    .multiplier = _mm512_set1_epi32(factor->multiplier),
    .rounding = _mm512_set1_epi64((1ll << 31) + (right > 0 ? 1ll << (31 + right) : 0)),
    .right = _mm512_set1_epi32(right),
    .twiceLeft = _mm_cvtsi32_si128(leftShift + left + 1),
  };
}

ALWAYS_INLINE __m512i scaledBy(const bool shifts, __m512i x, const Factor *f) {
  const __m512i twice = _mm512_sll_epi32(x, f->twiceLeft);
  const __m512i even = _mm512_add_epi64(_mm512_mul_epi32(twice, f->multiplier), f->rounding);
  const __m512i odd = _mm512_add_epi64(_mm512_mul_epi32(oddLanes(twice), f->multiplier), f->rounding);
  const __m512i y = _mm512_mask_shuffle_epi32(odd, 0x5555, even, 0xF5);
  return shifts ? _mm512_srav_epi32(_mm512_add_epi32(y, _mm512_srai_epi32(x, 31)), f->right) : y;
}

// Which of the three factors shift to the right.
typedef struct {
  bool first, second, result;
} Shifts;

ALWAYS_INLINE __m512i combined16(
  const qi_operation operation, const Shifts shifts, __m128i first, __m128i second, const Constants *c) {
  const __m512i x = _mm512_sub_epi32(_mm512_cvtepi8_epi32(first), c->firstZeroPoint);
  const __m512i y = _mm512_sub_epi32(_mm512_cvtepi8_epi32(second), c->secondZeroPoint);
  if (operation == qi_product) return scaledBy(shifts.result, _mm512_mullo_epi32(x, y), &c->result);
  const __m512i a = scaledBy(shifts.first, x, &c->first), b = scaledBy(shifts.second, y, &c->second);
  return scaledBy(shifts.result, operation == qi_sum ? _mm512_add_epi32(a, b) : _mm512_sub_epi32(a, b), &c->result);
}

ALWAYS_INLINE __m512i combined64(
  const qi_operation operation, const Shifts shifts, __m512i first, __m512i second, const Constants *c) {
  if (operation == qi_maximum || operation == qi_minimum) {
    const __m512i code = operation == qi_maximum ? _mm512_max_epi8(first, second) : _mm512_min_epi8(first, second);
    return _mm512_min_epi8(_mm512_max_epi8(code, c->minimum), c->maximum);
  }
  const __m512i values[4] = {
    combined16(operation, shifts, _mm512_castsi512_si128(first), _mm512_castsi512_si128(second), c),
    combined16(operation, shifts, _mm512_extracti32x4_epi32(first, 1), _mm512_extracti32x4_epi32(second, 1), c),
    combined16(operation, shifts, _mm512_extracti32x4_epi32(first, 2), _mm512_extracti32x4_epi32(second, 2), c),
    combined16(operation, shifts, _mm512_extracti32x4_epi32(first, 3), _mm512_extracti32x4_epi32(second, 3), c),
  };
  return packed(values, c->zeroPoint, c->minimum, c->maximum);
}

// The codes of up to 16, whatever lies behind them in the vectors.
ALWAYS_INLINE __m512i combinedUpTo16(
  const qi_operation operation, const Shifts shifts, __m512i first, __m512i second, const Constants *c) {
  const __m512i value = combined16(operation, shifts, _mm512_castsi512_si128(first), _mm512_castsi512_si128(second), c);
  const __m512i values[4] = {value, value, value, value};
  return packed(values, c->zeroPoint, c->minimum, c->maximum);
}

ALWAYS_INLINE void combineAll(
  const qi_operation operation, const Shifts shifts, const qi_elementwise *e, const Constants *constants,
  int8_t *output) {
  const Constants c = *constants;
  const bool isScaled = operation != qi_maximum && operation != qi_minimum;
  for (ptrdiff_t row = 0; row < e->rows; row += 1, output += e->count) {
    const int8_t *const first = e->first + row * e->firstRowStride, *const second = e->second + row * e->secondRowStride;
    const __m512i firstCode = _mm512_set1_epi8(first[0]), secondCode = _mm512_set1_epi8(second[0]);
    for (ptrdiff_t index = 0; index < e->count; index += 64) {
      const ptrdiff_t left = e->count - index;
      const __mmask64 exist = left < 64 ? (1ull << left) - 1 : ~0ull;
      const __m512i x = e->firstRepeats ? firstCode : _mm512_maskz_loadu_epi8(exist, first + index);
      const __m512i y = e->secondRepeats ? secondCode : _mm512_maskz_loadu_epi8(exist, second + index);
      if (isScaled && left <= 16) {
        _mm512_mask_storeu_epi8(output + index, exist, combinedUpTo16(operation, shifts, x, y, &c));
      } else {
        _mm512_mask_storeu_epi8(output + index, exist, combined64(operation, shifts, x, y, &c));
      }
    }
  }
}

ALWAYS_INLINE void combineSums(
  const qi_operation operation, const qi_elementwise *e, const Constants *c, int8_t *output) {
  if (e->firstFactor.shift == 0) {
    // The other factor's shift is 0 as well where the scales are the same.
    if (e->secondFactor.shift == 0) {
      combineAll(operation, (Shifts){false, false, true}, e, c, output);
    } else {
      combineAll(operation, (Shifts){false, true, true}, e, c, output);
    }
  } else if (e->secondFactor.shift == 0) {
    combineAll(operation, (Shifts){true, false, true}, e, c, output);
  } else {
    combineAll(operation, (Shifts){true, true, true}, e, c, output);
  }
}

static bool isCode(int32_t number) { return number >= INT8_MIN && number <= INT8_MAX; }

// Whether the short way does: no number that is doubled reaches 2^30. A product of two codes is below 2^17, a scaled input
// below 2^28.
static bool isShortFor(const qi_elementwise *e) {
  if (e->operation == qi_maximum || e->operation == qi_minimum) return true;
  if (!isCode(e->firstZeroPoint) || !isCode(e->secondZeroPoint) || !isCode(e->zeroPoint)) return false;
  if (e->operation == qi_product) return e->resultFactor.shift <= 12;
  return e->resultFactor.shift < 0 && e->firstFactor.shift <= 0 && e->secondFactor.shift <= 0;
}

void qi_elementwise_avx512(const qi_elementwise *e, int8_t *output) {
  if (!isShortFor(e)) {
    qi_elementwise_avx2(e, output);
    return;
  }
  const Constants constants = {
    .first = makeFactor(&e->firstFactor, e->leftShift),
    .second = makeFactor(&e->secondFactor, e->leftShift),
    .result = makeFactor(&e->resultFactor, 0),
    .firstZeroPoint = _mm512_set1_epi32(e->firstZeroPoint),
    .secondZeroPoint = _mm512_set1_epi32(e->secondZeroPoint),
    .zeroPoint = _mm512_set1_epi16((short)e->zeroPoint),
    .minimum = _mm512_set1_epi8((char)e->minimum),
    .maximum = _mm512_set1_epi8((char)e->maximum),
  };
  const Shifts none = {false, false, false}, atEnd = {false, false, true};
  switch (e->operation) {
    case qi_sum: combineSums(qi_sum, e, &constants, output); break;
    case qi_difference: combineSums(qi_difference, e, &constants, output); break;
    case qi_product:
      if (e->resultFactor.shift < 0) {
        combineAll(qi_product, atEnd, e, &constants, output);
      } else {
        combineAll(qi_product, none, e, &constants, output);
      }
      break;
    case qi_maximum: combineAll(qi_maximum, none, e, &constants, output); break;
    case qi_minimum: combineAll(qi_minimum, none, e, &constants, output); break;
  }
}

#pragma clang attribute pop
#endif
