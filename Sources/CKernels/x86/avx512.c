// AVX-512 with VNNI: vectors of 16 sums, one an output channel. Depthwise convolutions use AVX2.
#if defined(__x86_64__)
#include "InstructionSets.h"
#include <immintrin.h>
#include <string.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni"))), apply_to = function)

// MARK: Requantization

// The constants of 16 output channels; 64-bit constants are those of the even and the odd channels.
typedef struct {
  __m512i evenMultiplier, oddMultiplier, leftShift;
  __m512i evenRightShift, oddRightShift, evenHalf, oddHalf;
  __mmask8 evenShiftsRight, oddShiftsRight;
} Scales;

// Half of 2^shift, or 0 if that is 1.
ALWAYS_INLINE __m512i halfOfPower(__m512i shift) {
  return _mm512_srli_epi64(_mm512_sllv_epi64(_mm512_set1_epi64(1), shift), 1);
}

ALWAYS_INLINE Scales makeScales(__m512i multiplier, __m512i shift) {
  const __m512i zero = _mm512_setzero_si512();
  const __m512i right = _mm512_max_epi32(_mm512_sub_epi32(zero, shift), zero);
  const __m512i even = _mm512_and_si512(right, _mm512_set1_epi64(0xFFFFFFFF)), odd = _mm512_srli_epi64(right, 32);
  return (Scales){
    .evenMultiplier = multiplier,
    .oddMultiplier = _mm512_shuffle_epi32(multiplier, 0xF5),
    .leftShift = _mm512_max_epi32(shift, zero),
    .evenRightShift = even,
    .oddRightShift = odd,
    .evenHalf = halfOfPower(even),
    .oddHalf = halfOfPower(odd),
    .evenShiftsRight = _mm512_test_epi64_mask(even, even),
    .oddShiftsRight = _mm512_test_epi64_mask(odd, odd),
  };
}

// y and z of qi_requantization, in 64-bit lanes of which the lower halves count.
ALWAYS_INLINE __m512i scaledHalf(
  __m512i x, __m512i multiplier, __m512i half, __m512i rightShift, __mmask8 shiftsRight) {
  __m512i product = _mm512_mul_epi32(x, multiplier);
  __m512i y = _mm512_srai_epi64(_mm512_add_epi64(product, _mm512_set1_epi64(1 << 30)), 31);
  __m512i isNegative = _mm512_maskz_srli_epi64(shiftsRight, y, 63);
  return _mm512_srav_epi64(_mm512_add_epi64(y, _mm512_sub_epi64(half, isNegative)), rightShift);
}

ALWAYS_INLINE __m512i scaled(__m512i x, const Scales *s) {
  x = _mm512_sllv_epi32(x, s->leftShift);
  __m512i even = scaledHalf(x, s->evenMultiplier, s->evenHalf, s->evenRightShift, s->evenShiftsRight);
  __m512i odd = scaledHalf(
    _mm512_shuffle_epi32(x, 0xF5), s->oddMultiplier, s->oddHalf, s->oddRightShift, s->oddShiftsRight);
  return _mm512_mask_blend_epi32(0xAAAA, even, _mm512_slli_epi64(odd, 32));
}

// MARK: Matrix product

enum { tileRows = 8 };

// Four blocks of 4 channels, two a vector.
typedef struct {
  const int8_t *weights[4];
  __m512i lowBiases, highBiases;
  Scales scales;
} BlockGroup;

// The biases of two blocks where a tile's sums start: each channel has two sums.
ALWAYS_INLINE __m512i spread(__m256i biases) { return _mm512_cvtepu32_epi64(biases); }

ALWAYS_INLINE __m512i loadWeights(const int8_t *first, const int8_t *second) {
  return _mm512_cvtepi8_epi16(
    _mm256_set_m128i(_mm_loadu_si128((const __m128i *)second), _mm_loadu_si128((const __m128i *)first)));
}

// The sums of `rows` rows with 16 channels. A multiplication takes 4 inputs of each of 8 channels.
ALWAYS_INLINE void sumTile(
  const int rows, const int16_t *patches, ptrdiff_t patchStride, ptrdiff_t quads, const BlockGroup *blocks,
  __m512i *sums) {
  __m512i low[tileRows], high[tileRows];
  for (int r = 0; r < rows; r++) {
    low[r] = blocks->lowBiases;
    high[r] = blocks->highBiases;
  }
  for (ptrdiff_t q = 0; q < quads; q++) {
    __m512i lowWeights = loadWeights(blocks->weights[0] + 16 * q, blocks->weights[1] + 16 * q);
    __m512i highWeights = loadWeights(blocks->weights[2] + 16 * q, blocks->weights[3] + 16 * q);
    for (int r = 0; r < rows; r++) {
      int64_t quad;
      memcpy(&quad, patches + r * patchStride + 4 * q, sizeof quad);
      __m512i inputs = _mm512_set1_epi64(quad);
      low[r] = _mm512_dpwssd_epi32(low[r], inputs, lowWeights);
      high[r] = _mm512_dpwssd_epi32(high[r], inputs, highWeights);
    }
  }
  const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  const __m512i odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
  for (int r = 0; r < rows; r++) {
    sums[r] = _mm512_add_epi32(
      _mm512_permutex2var_epi32(low[r], even, high[r]), _mm512_permutex2var_epi32(low[r], odd, high[r]));
  }
}

// Where and how codes are stored.
typedef struct {
  void *output;
  ptrdiff_t stride;
  bool isWide;
  __mmask16 channels;
  __m512i zeroPoint, minimum, maximum;
} Store;

ALWAYS_INLINE void store16(__m512i scaledSums, const Store *store, ptrdiff_t row) {
  __m512i codes = _mm512_add_epi32(scaledSums, store->zeroPoint);
  codes = _mm512_min_epi32(_mm512_max_epi32(codes, store->minimum), store->maximum);
  if (store->isWide) {
    int16_t *output = (int16_t *)store->output + row * store->stride;
    _mm256_mask_storeu_epi16(output, store->channels, _mm512_cvtepi32_epi16(codes));
  } else {
    int8_t *output = (int8_t *)store->output + row * store->stride;
    _mm_mask_storeu_epi8(output, store->channels, _mm512_cvtepi32_epi8(codes));
  }
}

ALWAYS_INLINE void computeTile(
  const int rows, const qi_matrix_product *p, ptrdiff_t row, const BlockGroup *blocks, const Store *store) {
  __m512i sums[tileRows];
  sumTile(rows, p->patches + row * p->patchStride, p->patchStride, p->quads, blocks, sums);
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) {
    store16(scaled(sums[r], &blocks->scales), store, row + r);
  }
}

void qi_matrix_product_avx512(
  const qi_matrix_product *product, void *output, ptrdiff_t outputStride, bool isWide) {
  const qi_matrix_product p = *product;
  const qi_requantization r = p.requantization;
  const ptrdiff_t blockCount = (p.channels + 3) / 4;
  Store store = {
    .stride = outputStride,
    .isWide = isWide,
    .zeroPoint = _mm512_set1_epi32(r.zeroPoint),
    .minimum = _mm512_set1_epi32(r.minimum),
    .maximum = _mm512_set1_epi32(r.maximum),
  };
  for (ptrdiff_t block = 0; block < blockCount; block += 4) {
    const ptrdiff_t c = 4 * block, channels = p.channels - c, blocksLeft = blockCount - block;
    // Constants of blocks that don't exist are not loaded; the first block's weights stand in for theirs.
    const __mmask16 loaded = blocksLeft < 4 ? (__mmask16)((1 << 4 * blocksLeft) - 1) : 0xFFFF;
    const __m512i biases = _mm512_maskz_loadu_epi32(loaded, r.biases + c);
    BlockGroup blocks = {
      .lowBiases = spread(_mm512_castsi512_si256(biases)),
      .highBiases = spread(_mm512_extracti64x4_epi64(biases, 1)),
      .scales = makeScales(
        _mm512_maskz_loadu_epi32(loaded, r.multipliers + c),
        _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(loaded, r.shifts + c))),
    };
    for (ptrdiff_t i = 0; i < 4; i++) {
      blocks.weights[i] = p.weights + 16 * p.quads * (i < blocksLeft ? block + i : block);
    }
    store.output = isWide ? (void *)((int16_t *)output + c) : (int8_t *)output + c;
    store.channels = channels < 16 ? (__mmask16)((1 << channels) - 1) : 0xFFFF;
    ptrdiff_t row = 0;
    for (; row + 8 <= p.rows; row += 8) {
      computeTile(8, &p, row, &blocks, &store);
    }
    const ptrdiff_t rowsLeft = p.rows - row;
    if (rowsLeft & 4) {
      computeTile(4, &p, row, &blocks, &store);
      row += 4;
    }
    if (rowsLeft & 2) {
      computeTile(2, &p, row, &blocks, &store);
      row += 2;
    }
    if (rowsLeft & 1) {
      computeTile(1, &p, row, &blocks, &store);
    }
  }
}

#pragma clang attribute pop
#endif
