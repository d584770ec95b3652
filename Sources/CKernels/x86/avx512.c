// AVX-512 with VNNI: the matrix product of rows in 16 bits, in vectors of 16 sums, one an output channel.
#if defined(__x86_64__)
#include "avx512.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni"))), apply_to = function)

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
