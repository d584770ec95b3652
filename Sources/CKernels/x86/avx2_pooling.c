// AVX2: the mean or the greatest of the cells under a window, 16 channels at a time.
#if defined(__x86_64__)
#include "avx2.h"
#include "cell_division.h"

#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)

// A division by the number of cells in vectors, with a mean's limits.
typedef struct {
  __m256i half, factor, minimum, maximum;
  __m128i shift;
} Mean;

ALWAYS_INLINE Mean meanOf(const qi_pool *pool, int32_t cells) {
  const CellDivision division = divisionBy(cells);
  return (Mean){
    .half = _mm256_set1_epi16((short)(cells / 2)),
    .factor = _mm256_set1_epi16((short)division.factor),
    .minimum = _mm256_set1_epi16((short)pool->minimum),
    .maximum = _mm256_set1_epi16((short)pool->maximum),
    .shift = _mm_cvtsi32_si128(division.shift),
  };
}

// The first `count` of up to 16 codes; others have any value.
ALWAYS_INLINE __m128i loadCodes(const int8_t *codes, ptrdiff_t count) {
  if (__builtin_expect(count >= 16, true)) return _mm_loadu_si128((const __m128i *)codes);
  uint64_t low = 0, high = 0;
  if (count >= 8) {
    memcpy(&low, codes, 8);
    memcpy(&high, codes + count - 8, 8);
    high = count == 8 ? 0 : high >> 8 * (16 - count);
  } else if (count >= 4) {
    uint32_t first, last;
    memcpy(&first, codes, 4);
    memcpy(&last, codes + count - 4, 4);
    low = first | (uint64_t)last << 8 * (count - 4);
  } else {
    for (ptrdiff_t index = count; index > 0; index--) low = low << 8 | (uint8_t)codes[index - 1];
  }
  return _mm_set_epi64x((long long)high, (long long)low);
}

ALWAYS_INLINE void storeCodes(__m128i vector, int8_t *output, ptrdiff_t count) {
  if (__builtin_expect(count >= 16, true)) {
    _mm_storeu_si128((__m128i *)output, vector);
    return;
  }
  int8_t codes[16];
  _mm_storeu_si128((__m128i *)codes, vector);
  // Pieces may overlap.
  if (count >= 8) {
    memcpy(output, codes, 8);
    memcpy(output + count - 8, codes + count - 8, 8);
  } else if (count >= 4) {
    memcpy(output, codes, 4);
    memcpy(output + count - 4, codes + count - 4, 4);
  } else {
    for (ptrdiff_t index = 0; index < count; index++) output[index] = codes[index];
  }
}

ALWAYS_INLINE __m128i pooledMean(const qi_pool *pool, ptrdiff_t c, ptrdiff_t count, const Mean *mean) {
  __m256i sum = _mm256_setzero_si256();
  for (int32_t column = 0; column < pool->columns; column++) {
    const int8_t *codes = pool->input + column * pool->columnStride + c;
    for (int32_t row = 0; row < pool->rows; row++, codes += pool->channels) {
      sum = _mm256_add_epi16(sum, _mm256_cvtepi8_epi16(loadCodes(codes, count)));
    }
  }
  const __m256i magnitude = _mm256_add_epi16(_mm256_abs_epi16(sum), mean->half);
  const __m256i quotient = _mm256_srl_epi16(_mm256_mulhi_epu16(magnitude, mean->factor), mean->shift);
  __m256i code = _mm256_sign_epi16(quotient, sum);
  code = _mm256_min_epi16(_mm256_max_epi16(code, mean->minimum), mean->maximum);
  return _mm_packs_epi16(_mm256_castsi256_si128(code), _mm256_extracti128_si256(code, 1));
}

ALWAYS_INLINE __m128i pooledMaximum(const qi_pool *pool, ptrdiff_t c, ptrdiff_t count) {
  // No code is less than the activation's minimum.
  __m128i greatest = _mm_set1_epi8((char)pool->minimum);
  for (int32_t column = 0; column < pool->columns; column++) {
    const int8_t *codes = pool->input + column * pool->columnStride + c;
    for (int32_t row = 0; row < pool->rows; row++, codes += pool->channels) {
      greatest = _mm_max_epi8(greatest, loadCodes(codes, count));
    }
  }
  return _mm_min_epi8(greatest, _mm_set1_epi8((char)pool->maximum));
}

void qi_pool_avx2(const qi_pool *all, int8_t *output) {
  qi_pool pool = *all;
  const int32_t cells = pool.columns * pool.rows;
  const bool isMean = pool.isMean && cells > 1;
  const Mean mean = meanOf(&pool, isMean ? cells : 2);
  for (ptrdiff_t cell = 0; cell < pool.cells; cell++, pool.input += pool.cellStride, output += pool.channels) {
    for (ptrdiff_t c = 0; c < pool.channels; c += 16) {
      const ptrdiff_t count = pool.channels - c;
      storeCodes(
        isMean ? pooledMean(&pool, c, count, &mean) : pooledMaximum(&pool, c, count), output + c, count);
    }
  }
}

#pragma clang attribute pop
#endif
