// AVX2: the matrix product, in vectors of 8 sums, one an output channel.
#if defined(__x86_64__)
#include "avx2.h"

#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)

enum { tileRows = 6 };

// The channels of two blocks, in the order in which tiles have them: 0 1 4 5 2 3 6 7.
ALWAYS_INLINE __m256i inTileOrder(__m256i values) { return _mm256_permute4x64_epi64(values, 0xD8); }

// A block's biases where a tile's sums start: each channel has two sums.
ALWAYS_INLINE __m256i loadBiases(const int32_t *biases) {
  return _mm256_cvtepu32_epi64(_mm_loadu_si128((const __m128i *)biases));
}

typedef struct {
  const int8_t *lowWeights, *highWeights;
  __m256i lowBiases, highBiases;
  Scales scales;
} BlockPair;

// The sums of `rows` rows with 8 channels. A multiplication takes 4 inputs of each of a block's channels.
ALWAYS_INLINE void sumTile(
  const int rows, const int16_t *patches, ptrdiff_t patchStride, ptrdiff_t quads, const BlockPair *blocks,
  __m256i *sums) {
  __m256i low[tileRows], high[tileRows];
  for (int r = 0; r < rows; r++) {
    low[r] = blocks->lowBiases;
    high[r] = blocks->highBiases;
  }
  for (ptrdiff_t q = 0; q < quads; q++) {
    __m256i lowWeights = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(blocks->lowWeights + 16 * q)));
    __m256i highWeights = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(blocks->highWeights + 16 * q)));
    for (int r = 0; r < rows; r++) {
      int64_t quad;
      memcpy(&quad, patches + r * patchStride + 4 * q, sizeof quad);
      __m256i inputs = _mm256_set1_epi64x(quad);
      low[r] = _mm256_add_epi32(low[r], _mm256_madd_epi16(inputs, lowWeights));
      high[r] = _mm256_add_epi32(high[r], _mm256_madd_epi16(inputs, highWeights));
    }
  }
  for (int r = 0; r < rows; r++) {
    __m256 lowSums = _mm256_castsi256_ps(low[r]), highSums = _mm256_castsi256_ps(high[r]);
    sums[r] = _mm256_add_epi32(
      _mm256_castps_si256(_mm256_shuffle_ps(lowSums, highSums, 0x88)),
      _mm256_castps_si256(_mm256_shuffle_ps(lowSums, highSums, 0xDD)));
  }
}

// Where and how codes are stored.
typedef struct {
  void *output;
  ptrdiff_t stride;
  bool isWide;
  ptrdiff_t count;  // of 8 channels
  __m256i zeroPoint, minimum, maximum;
} Store;

ALWAYS_INLINE __m256i clamped(__m256i x, const Store *store) {
  return _mm256_min_epi16(_mm256_max_epi16(x, store->minimum), store->maximum);
}

ALWAYS_INLINE void storeCodes(void *output, const void *codes, ptrdiff_t count, size_t size) {
  if (__builtin_expect(count == 8, true)) {
    memcpy(output, codes, 8 * size);
  } else {
    memcpy(output, codes, (size_t)count * size);
  }
}

// Stores two rows in tile order.
ALWAYS_INLINE void store2(__m256i row0, __m256i row1, const Store *store, ptrdiff_t row, int rows) {
  __m256i codes = clamped(_mm256_packs_epi32(row0, row1), store);
  __m128i low = _mm256_castsi256_si128(codes), high = _mm256_extracti128_si256(codes, 1);
  __m128i first = _mm_unpacklo_epi32(low, high), second = _mm_unpackhi_epi32(low, high);
  if (store->isWide) {
    int16_t *output = (int16_t *)store->output + row * store->stride;
    storeCodes(output, &first, store->count, 2);
    if (rows > 1) storeCodes(output + store->stride, &second, store->count, 2);
  } else {
    int8_t *output = (int8_t *)store->output + row * store->stride;
    __m128i both = _mm_packs_epi16(first, second), upper = _mm_unpackhi_epi64(both, both);
    storeCodes(output, &both, store->count, 1);
    if (rows > 1) storeCodes(output + store->stride, &upper, store->count, 1);
  }
}

ALWAYS_INLINE void computeTile(
  const int rows, const qi_matrix_product *p, ptrdiff_t row, const BlockPair *blocks, const Store *store) {
  __m256i sums[tileRows];
  sumTile(rows, p->patches + row * p->patchStride, p->patchStride, p->quads, blocks, sums);
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) {
    sums[r] = _mm256_add_epi32(scaled(sums[r], &blocks->scales), store->zeroPoint);
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r += 2) {
    store2(sums[r], sums[r + 1 < rows ? r + 1 : r], store, row + r, rows - r);
  }
}

void qi_matrix_product_avx2(const qi_matrix_product *p, void *output, ptrdiff_t outputStride, bool isWide) {
  const qi_requantization *r = &p->requantization;
  Store store = {
    .stride = outputStride,
    .isWide = isWide,
    .zeroPoint = _mm256_set1_epi32(r->zeroPoint),
    .minimum = _mm256_set1_epi16((short)r->minimum),
    .maximum = _mm256_set1_epi16((short)r->maximum),
  };
  for (ptrdiff_t low = 0; low < p->channels; low += 8) {
    // Without a second block, the first one stands in; its codes are not stored again.
    ptrdiff_t high = low + 4 < p->channels ? low + 4 : low;
    BlockPair blocks = {
      .lowWeights = p->weights + 4 * low * p->quads,
      .highWeights = p->weights + 4 * high * p->quads,
      .lowBiases = loadBiases(r->biases + low),
      .highBiases = loadBiases(r->biases + high),
      .scales = makeScales(
        inTileOrder(loadHalves(r->multipliers, low, high)), inTileOrder(widenHalves(r->shifts, low, high))),
    };
    store.output = isWide ? (void *)((int16_t *)output + low) : (int8_t *)output + low;
    store.count = p->channels - low < 8 ? p->channels - low : 8;
    ptrdiff_t row = 0;
    for (; row + tileRows <= p->rows; row += tileRows) {
      computeTile(tileRows, p, row, &blocks, &store);
    }
    switch (p->rows - row) {
      case 1: computeTile(1, p, row, &blocks, &store); break;
      case 2: computeTile(2, p, row, &blocks, &store); break;
      case 3: computeTile(3, p, row, &blocks, &store); break;
      case 4: computeTile(4, p, row, &blocks, &store); break;
      case 5: computeTile(5, p, row, &blocks, &store); break;
    }
  }
}

#pragma clang attribute pop
#endif
