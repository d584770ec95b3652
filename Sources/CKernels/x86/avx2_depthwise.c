// AVX2: depthwise convolution, in vectors of 16 channels.
#if defined(__x86_64__)
#include "avx2.h"
#include "depthwise_runs.h"

#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)

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

static void locateCells(
  const qi_depthwise *d, Sizes sizes, ptrdiff_t firstColumn, ptrdiff_t columns, Scratch *scratch) {
  for (ptrdiff_t i = 0; i < columns * 2 * sizes.vectors; i++) {
    scratch->cells[i] = scratch->outside;
  }
  for (ptrdiff_t i = 0; i < columns; i++) {
    const ptrdiff_t column = firstColumn + i;
    if (column < 0 || column >= d->columnCount) continue;
    for (ptrdiff_t t = d->firstRowTap; t < d->endRowTap; t++) {
      scratch->cells[2 * sizes.vectors * i + t] = d->input + t * d->rowStride + column * d->columnStride;
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
  const ptrdiff_t outer = isDense ? 1 : d->columnTaps, inner = isDense ? d->columnTaps * sizes.vectors : sizes.vectors;
  for (ptrdiff_t f = 0; f < outer; f++) {
    for (ptrdiff_t i = 0; i < inner; i++) {
      const Channels16 w = *weights++;
      for (int p = 0; p < pixels; p++) {
        const Channels16 *x = &columns[p * d->columnStep * sizes.vectors + i];
        sums[p].low = _mm256_add_epi32(sums[p].low, _mm256_madd_epi16(x->low, w.low));
        sums[p].high = _mm256_add_epi32(sums[p].high, _mm256_madd_epi16(x->high, w.high));
      }
    }
    columns += d->columnDilation * sizes.vectors;
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
    .vectors = (d.rowTaps + 1) / 2,
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
      for (ptrdiff_t i = 0; i < columns * sizes.vectors; i++) {
        scratch.columns[i] =
          interleaved(loadBytes(scratch.cells[2 * i] + c, count), loadBytes(scratch.cells[2 * i + 1] + c, count));
      }
      loadWeights(&d, c, count, scratch.weights);
      const Channels16 biases = loadConstants(d.requantization.biases, c, count);
      const Channels16 multipliers = loadConstants(d.requantization.multipliers, c, count);
      const Channels16 shifts = widenConstants(d.requantization.shifts, c, count);
      const Scales low = makeScales(multipliers.low, shifts.low), high = makeScales(multipliers.high, shifts.high);
      for (ptrdiff_t p = 0; p < pixels;) {
        const Channels16 *x = scratch.columns + p * d.columnStep * sizes.vectors;
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
