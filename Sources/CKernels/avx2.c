// AVX2: vectors of 8 sums, one an output channel.
#if defined(__x86_64__)
#include "InstructionSets.h"
#include <immintrin.h>
#include <string.h>

#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)

// MARK: Requantization

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
static __attribute__((noinline)) __m256i scaledAnyWay(__m256i x, __m256i multiplier, __m256i shift) {
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

// MARK: Matrix product

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

// MARK: Depthwise convolution

enum { tilePixels = 5 };

// 16 channels: `low` has 0 ... 3 and 8 ... 11, `high` the others, as packing two vectors into one wants it.
typedef struct {
  __m256i low, high;
} Channels16;

// The first `count` of up to 16 bytes, widened, and zeros.
static __attribute__((noinline)) __m256i loadFewBytes(const int8_t *source, ptrdiff_t count) {
  int8_t bytes[16] = {0};
  memcpy(bytes, source, (size_t)count);
  return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)bytes));
}

ALWAYS_INLINE __m256i loadBytes(const int8_t *source, ptrdiff_t count) {
  if (count == 8) return _mm256_cvtepi8_epi16(_mm_loadl_epi64((const __m128i *)source));
  if (__builtin_expect(count < 16, false)) return loadFewBytes(source, count);
  return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)source));
}

// Two taps side by side, as one multiplication takes them.
ALWAYS_INLINE Channels16 interleaved(__m256i first, __m256i second) {
  return (Channels16){.low = _mm256_unpacklo_epi16(first, second), .high = _mm256_unpackhi_epi16(first, second)};
}

// Elements c ..< c + 16 of which the first `count` exist, in whole blocks of 4.
ALWAYS_INLINE Channels16 loadConstants(const int32_t *values, ptrdiff_t c, ptrdiff_t count) {
  return (Channels16){
    .low = loadHalves(values, c, count > 8 ? c + 8 : c),
    .high = loadHalves(values, count > 4 ? c + 4 : c, count > 12 ? c + 12 : c),
  };
}

// The same of shifts, widened.
ALWAYS_INLINE Channels16 widenConstants(const int8_t *values, ptrdiff_t c, ptrdiff_t count) {
  return (Channels16){
    .low = widenHalves(values, c, count > 8 ? c + 8 : c),
    .high = widenHalves(values, count > 4 ? c + 4 : c, count > 12 ? c + 12 : c),
  };
}

// The scratch memory of a run of pixels, on the stack.
typedef struct {
  const int8_t *cells[2 * qi_depthwise_vectors];  // Column by column, an even number of taps each.
  Channels16 columns[qi_depthwise_vectors];       // The cells, interleaved.
  Channels16 weights[qi_depthwise_vectors];
  int8_t outside[qi_depthwise_codes];  // Stands in for a cell outside the input.
  int8_t codes[qi_depthwise_codes];
} Scratch;

// A depthwise convolution's sizes, in vectors of two taps of a column.
typedef struct {
  ptrdiff_t pairs;       // Vectors a column.
  ptrdiff_t span;        // Columns under the kernel.
  ptrdiff_t codeStride;  // Channels, rounded up to whole vectors.
} Sizes;

// As many pixels as the scratch holds.
static ptrdiff_t runLength(const qi_depthwise *d, Sizes sizes) {
  const ptrdiff_t columns = (d->pixels - 1) * d->columnStep + sizes.span;
  if (columns * sizes.pairs <= qi_depthwise_vectors && d->pixels * sizes.codeStride <= qi_depthwise_codes) {
    return d->pixels;
  }
  const ptrdiff_t byColumns = (qi_depthwise_vectors / sizes.pairs - sizes.span) / d->columnStep + 1;
  const ptrdiff_t byCodes = qi_depthwise_codes / sizes.codeStride;
  return byColumns < byCodes ? byColumns : byCodes;
}

static void locateCells(
  const qi_depthwise *d, Sizes sizes, ptrdiff_t firstColumn, ptrdiff_t columns, Scratch *scratch) {
  for (ptrdiff_t i = 0; i < columns * 2 * sizes.pairs; i++) {
    scratch->cells[i] = scratch->outside;
  }
  for (ptrdiff_t i = 0; i < columns; i++) {
    const ptrdiff_t column = firstColumn + i;
    if (column < 0 || column >= d->columnCount) continue;
    for (ptrdiff_t t = d->firstRowTap; t < d->endRowTap; t++) {
      scratch->cells[2 * sizes.pairs * i + t] = d->input + t * d->rowStride + column * d->columnStride;
    }
  }
}

// Interleaves the weights of channels c ..< c + count in the order of `columns`.
ALWAYS_INLINE void loadWeights(const qi_depthwise *d, ptrdiff_t c, ptrdiff_t count, Channels16 *weights) {
  for (ptrdiff_t j = 0; j < d->columnTaps; j++) {
    const int8_t *tap = d->weights + j * d->weightColumnStride + c;
    for (ptrdiff_t i = 0; i < d->rowTaps; i += 2, tap += 2 * d->weightRowStride) {
      __m256i second = i + 1 < d->rowTaps ? loadBytes(tap + d->weightRowStride, count) : _mm256_setzero_si256();
      *weights++ = interleaved(loadBytes(tap, count), second);
    }
  }
}

// Copies a run's codes to where they belong.
static void copyCodes(
  const qi_depthwise *d, Sizes sizes, const int8_t *codes, ptrdiff_t pixels, int8_t *output, ptrdiff_t outputStride) {
  for (ptrdiff_t p = 0; p < pixels; p++, codes += sizes.codeStride, output += outputStride) {
    if (d->channels == 8) {
      memcpy(output, codes, 8);
      continue;
    }
    if (d->channels != sizes.codeStride) {
      memcpy(output, codes, (size_t)d->channels);
      continue;
    }
    for (ptrdiff_t c = 0; c < d->channels; c += 16) {
      memcpy(output + c, codes + c, 16);
    }
  }
}

// The codes of `pixels` pixels in 16 channels.
ALWAYS_INLINE void computePixels(
  const int pixels, const qi_depthwise *d, Sizes sizes, const Channels16 *columns, const Channels16 *weights,
  Channels16 biases, const Scales *lowScales, const Scales *highScales, int8_t *codes) {
  Channels16 sums[tilePixels];
  for (int p = 0; p < pixels; p++) {
    sums[p] = biases;
  }
  // Without dilation, all taps of a pixel follow each other.
  const bool isDense = d->columnDilation == 1;
  const ptrdiff_t outer = isDense ? 1 : d->columnTaps, inner = isDense ? d->columnTaps * sizes.pairs : sizes.pairs;
  for (ptrdiff_t f = 0; f < outer; f++) {
    for (ptrdiff_t i = 0; i < inner; i++) {
      const Channels16 w = *weights++;
      for (int p = 0; p < pixels; p++) {
        const Channels16 *x = &columns[p * d->columnStep * sizes.pairs + i];
        sums[p].low = _mm256_add_epi32(sums[p].low, _mm256_madd_epi16(x->low, w.low));
        sums[p].high = _mm256_add_epi32(sums[p].high, _mm256_madd_epi16(x->high, w.high));
      }
    }
    columns += d->columnDilation * sizes.pairs;
  }
  const qi_requantization *r = &d->requantization;
  const __m256i zeroPoint = _mm256_set1_epi32(r->zeroPoint);
  const __m128i minimum = _mm_set1_epi8((char)r->minimum), maximum = _mm_set1_epi8((char)r->maximum);
#pragma clang loop unroll(full)
  for (int p = 0; p < pixels; p++) {
    __m256i low = _mm256_add_epi32(scaled(sums[p].low, lowScales), zeroPoint);
    __m256i high = _mm256_add_epi32(scaled(sums[p].high, highScales), zeroPoint);
    __m256i words = _mm256_packs_epi32(low, high);
    __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    bytes = _mm_min_epi8(_mm_max_epi8(bytes, minimum), maximum);
    _mm_storeu_si128((__m128i *)(codes + p * sizes.codeStride), bytes);
  }
}

void qi_depthwise_avx2(const qi_depthwise *convolution, int8_t *output, ptrdiff_t outputStride) {
  const qi_depthwise d = *convolution;
  const Sizes sizes = {
    .pairs = (d.rowTaps + 1) / 2,
    .span = (d.columnTaps - 1) * d.columnDilation + 1,
    .codeStride = (d.channels + 15) & ~15,
  };
  Scratch scratch;
  memset(scratch.outside, d.inputZeroPoint, (size_t)d.channels);
  const ptrdiff_t run = runLength(&d, sizes);
  for (ptrdiff_t first = 0; first < d.pixels; first += run) {
    const ptrdiff_t pixels = d.pixels - first < run ? d.pixels - first : run;
    const ptrdiff_t columns = (pixels - 1) * d.columnStep + sizes.span;
    locateCells(&d, sizes, d.firstColumn + first * d.columnStep, columns, &scratch);
    for (ptrdiff_t c = 0; c < d.channels; c += 16) {
      const ptrdiff_t count = d.channels - c;
      for (ptrdiff_t i = 0; i < columns * sizes.pairs; i++) {
        scratch.columns[i] =
          interleaved(loadBytes(scratch.cells[2 * i] + c, count), loadBytes(scratch.cells[2 * i + 1] + c, count));
      }
      loadWeights(&d, c, count, scratch.weights);
      const Channels16 biases = loadConstants(d.requantization.biases, c, count);
      const Channels16 multipliers = loadConstants(d.requantization.multipliers, c, count);
      const Channels16 shifts = widenConstants(d.requantization.shifts, c, count);
      const Scales low = makeScales(multipliers.low, shifts.low), high = makeScales(multipliers.high, shifts.high);
      for (ptrdiff_t p = 0; p < pixels;) {
        const Channels16 *x = scratch.columns + p * d.columnStep * sizes.pairs;
        int8_t *codes = scratch.codes + p * sizes.codeStride + c;
        if (p + tilePixels <= pixels) {
          computePixels(tilePixels, &d, sizes, x, scratch.weights, biases, &low, &high, codes);
          p += tilePixels;
        } else {
          computePixels(1, &d, sizes, x, scratch.weights, biases, &low, &high, codes);
          p += 1;
        }
      }
    }
    copyCodes(&d, sizes, scratch.codes, pixels, output + first * outputStride, outputStride);
  }
}

#pragma clang attribute pop
#endif
