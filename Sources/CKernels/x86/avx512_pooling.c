// AVX-512: the mean or the greatest of the cells under windows, 64, 32 or 16 channels at a time.
#if defined(__x86_64__)
#include "avx512.h"
#include "cell_division.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni"))), apply_to = function)

// A division by the number of cells in vectors, with a mean's limits.
typedef struct {
  __m512i half, factor, minimum, maximum;
  __m128i shift;
} Mean;

ALWAYS_INLINE Mean meanOf(const qi_pool *pool, int32_t cells) {
  const CellDivision division = divisionBy(cells);
  return (Mean){
    .half = _mm512_set1_epi16((short)(cells / 2)),
    .factor = _mm512_set1_epi16((short)division.factor),
    .minimum = _mm512_set1_epi16((short)pool->minimum),
    .maximum = _mm512_set1_epi16((short)pool->maximum),
    .shift = _mm_cvtsi32_si128(division.shift),
  };
}

ALWAYS_INLINE void storeMean(const qi_pool *pool, const int8_t *input, __mmask32 exist, const Mean *mean, int8_t *output) {
  __m512i sum = _mm512_setzero_si512();
  for (int32_t column = 0; column < pool->columns; column++) {
    const int8_t *codes = input + column * pool->columnStride;
    for (int32_t row = 0; row < pool->rows; row++, codes += pool->channels) {
      sum = _mm512_add_epi16(sum, _mm512_cvtepi8_epi16(_mm256_maskz_loadu_epi8(exist, codes)));
    }
  }
  const __m512i magnitude = _mm512_add_epi16(_mm512_abs_epi16(sum), mean->half);
  const __m512i quotient = _mm512_srl_epi16(_mm512_mulhi_epu16(magnitude, mean->factor), mean->shift);
  __m512i code = _mm512_mask_sub_epi16(quotient, _mm512_movepi16_mask(sum), _mm512_setzero_si512(), quotient);
  code = _mm512_min_epi16(_mm512_max_epi16(code, mean->minimum), mean->maximum);
  _mm256_mask_storeu_epi8(output, exist, _mm512_cvtepi16_epi8(code));
}

ALWAYS_INLINE void storeMaximum(const qi_pool *pool, const int8_t *input, __mmask64 exist, int8_t *output) {
  // No code is less than the activation's minimum.
  __m512i greatest = _mm512_set1_epi8((char)pool->minimum);
  for (int32_t column = 0; column < pool->columns; column++) {
    const int8_t *codes = input + column * pool->columnStride;
    for (int32_t row = 0; row < pool->rows; row++, codes += pool->channels) {
      greatest = _mm512_max_epi8(greatest, _mm512_maskz_loadu_epi8(exist, codes));
    }
  }
  _mm512_mask_storeu_epi8(output, exist, _mm512_min_epi8(greatest, _mm512_set1_epi8((char)pool->maximum)));
}

// The same of 16 channels: a vector of more would lie in two cache lines for most cells.
ALWAYS_INLINE void storeMaximum16(const qi_pool *pool, const int8_t *input, __mmask16 exist, int8_t *output) {
  __m128i greatest = _mm_set1_epi8((char)pool->minimum);
  for (int32_t column = 0; column < pool->columns; column++) {
    const int8_t *codes = input + column * pool->columnStride;
    for (int32_t row = 0; row < pool->rows; row++, codes += pool->channels) {
      greatest = _mm_max_epi8(greatest, _mm_maskz_loadu_epi8(exist, codes));
    }
  }
  _mm_mask_storeu_epi8(output, exist, _mm_min_epi8(greatest, _mm_set1_epi8((char)pool->maximum)));
}

void qi_pool_avx512(const qi_pool *pool, int8_t *output) {
  const int32_t inputs = pool->columns * pool->rows;
  const bool isMean = pool->isMean && inputs > 1;
  const Mean mean = meanOf(pool, isMean ? inputs : 2);
  const int8_t *input = pool->input;
  for (ptrdiff_t cell = 0; cell < pool->cells; cell++, input += pool->cellStride, output += pool->channels) {
    for (ptrdiff_t c = 0; c < pool->channels; c += isMean ? 32 : 64) {
      const ptrdiff_t count = pool->channels - c;
      if (isMean) {
        const __mmask32 exist = count < 32 ? (__mmask32)((1u << count) - 1) : ~(__mmask32)0;
        storeMean(pool, input + c, exist, &mean, output + c);
      } else if (count <= 16) {
        storeMaximum16(pool, input + c, (__mmask16)((1u << count) - 1), output + c);
      } else {
        storeMaximum(pool, input + c, count < 64 ? (1ull << count) - 1 : ~0ull, output + c);
      }
    }
  }
}

#pragma clang attribute pop
#endif
