// AVX-512 with VNNI: depthwise convolution, four taps of a column a lane, in vectors of 16 channels.
//
// The instruction multiplies numbers without sign by such with one: 128 is added to the inputs, and 128 times the sum of the
// weights is taken off.
#if defined(__x86_64__)
#include "avx512.h"
#include "depthwise_runs.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni"))), apply_to = function)

enum { tilePixels = 5 };

// The scratch memory of a run of pixels, on the stack.
typedef struct {
  __m512i columns[qi_depthwise_vectors];  // The cells' codes, 128 more: four taps a channel.
  __m512i weights[qi_depthwise_vectors];
  int8_t outside[16];  // Stands in for a cell outside the input.
  int8_t codes[qi_depthwise_codes];
} Scratch;

// Four taps' codes in 16 channels, the taps of a channel side by side.
ALWAYS_INLINE __m512i interleaved(__m128i tap0, __m128i tap1, __m128i tap2, __m128i tap3) {
  const __m512i fours = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const __m512i bytes = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
  __m512i taps = _mm512_castsi128_si512(tap0);
  taps = _mm512_inserti32x4(taps, tap1, 1);
  taps = _mm512_inserti32x4(taps, tap2, 2);
  taps = _mm512_inserti32x4(taps, tap3, 3);
  return _mm512_shuffle_epi8(_mm512_permutexvar_epi32(fours, taps), bytes);
}

// Interleaves the cells of columns in 16 channels; what lies outside the input is read from `outside`.
ALWAYS_INLINE void loadColumns(
  const qi_depthwise *d, ptrdiff_t firstColumn, ptrdiff_t count, ptrdiff_t c, __mmask16 exist, const int8_t *outside,
  ptrdiff_t vectors, __m512i *columns) {
  const __m512i raise = _mm512_set1_epi8(-128);
  const __m128i none = _mm_maskz_loadu_epi8(exist, outside);
  const __m512i padding = _mm512_xor_si512(interleaved(none, none, none, none), raise);
  for (ptrdiff_t i = 0; i < 4 * vectors; i += 4) {
    const int8_t *taps[4];
    ptrdiff_t strides[4];
#pragma clang loop unroll(full)
    for (int t = 0; t < 4; t++) {
      const bool isInside = i + t >= d->firstRowTap && i + t < d->endRowTap;
      taps[t] = isInside ? d->input + (i + t) * d->rowStride + c : outside;
      strides[t] = isInside ? d->columnStride : 0;
    }
    __m512i *target = columns + i / 4;
    for (ptrdiff_t column = firstColumn; column < firstColumn + count; column++, target += vectors) {
      if (column < 0 || column >= d->columnCount) {
        *target = padding;
        continue;
      }
      const __m512i cells = interleaved(
        _mm_maskz_loadu_epi8(exist, taps[0] + column * strides[0]),
        _mm_maskz_loadu_epi8(exist, taps[1] + column * strides[1]),
        _mm_maskz_loadu_epi8(exist, taps[2] + column * strides[2]),
        _mm_maskz_loadu_epi8(exist, taps[3] + column * strides[3]));
      *target = _mm512_xor_si512(cells, raise);
    }
  }
}

// Interleaves the weights of 16 channels in the order of `columns`, 0 for taps that don't exist; returns 128 times their sums.
ALWAYS_INLINE __m512i loadWeights(const qi_depthwise *d, ptrdiff_t c, __mmask16 exist, __m512i *weights) {
  __m512i sums = _mm512_setzero_si512();
  for (ptrdiff_t j = 0; j < d->columnTaps; j++) {
    const int8_t *tap = d->weights + j * d->weightColumnStride + c;
    for (ptrdiff_t i = 0; i < d->rowTaps; i += 4) {
      __m128i taps[4];
#pragma clang loop unroll(full)
      for (int t = 0; t < 4; t++, tap += d->weightRowStride) {
        taps[t] = i + t < d->rowTaps ? _mm_maskz_loadu_epi8(exist, tap) : _mm_setzero_si128();
      }
      *weights = interleaved(taps[0], taps[1], taps[2], taps[3]);
      sums = _mm512_dpbusd_epi32(sums, _mm512_set1_epi8(-128), *weights++);
    }
  }
  return sums;
}

// The codes of `pixels` pixels in 16 channels.
ALWAYS_INLINE void computePixels(
  const int pixels, const qi_depthwise *d, Sizes sizes, const __m512i *columns, const __m512i *weights, __m512i biases,
  const Scales *scales, int8_t *codes) {
  __m512i sums[tilePixels];
#pragma clang loop unroll(full)
  for (int p = 0; p < pixels; p++) sums[p] = biases;
  // Without dilation, all taps of a pixel follow each other.
  const bool isDense = d->columnDilation == 1;
  const ptrdiff_t outer = isDense ? 1 : d->columnTaps, inner = isDense ? d->columnTaps * sizes.vectors : sizes.vectors;
  for (ptrdiff_t f = 0; f < outer; f++) {
    for (ptrdiff_t i = 0; i < inner; i++) {
      const __m512i w = *weights++;
#pragma clang loop unroll(full)
      for (int p = 0; p < pixels; p++) {
        sums[p] = _mm512_dpbusd_epi32(sums[p], columns[p * d->columnStep * sizes.vectors + i], w);
      }
    }
    columns += d->columnDilation * sizes.vectors;
  }
  const qi_requantization *r = &d->requantization;
  const __m512i zeroPoint = _mm512_set1_epi32(r->zeroPoint);
  const __m512i minimum = _mm512_set1_epi32(r->minimum), maximum = _mm512_set1_epi32(r->maximum);
#pragma clang loop unroll(full)
  for (int p = 0; p < pixels; p++) {
    const __m512i code = _mm512_add_epi32(scaled(sums[p], scales), zeroPoint);
    const __m512i limited = _mm512_min_epi32(_mm512_max_epi32(code, minimum), maximum);
    _mm_storeu_si128((__m128i *)(codes + p * sizes.codeStride), _mm512_cvtepi32_epi8(limited));
  }
}

void qi_depthwise_avx512(const qi_depthwise *convolution, int8_t *output, ptrdiff_t outputStride) {
  const qi_depthwise d = *convolution;
  const Sizes sizes = {
    .vectors = (d.rowTaps + 3) / 4,
    .span = (d.columnTaps - 1) * d.columnDilation + 1,
    .codeStride = (d.channels + 15) & ~15,
  };
  Scratch scratch;
  memset(scratch.outside, d.inputZeroPoint, sizeof scratch.outside);
  const ptrdiff_t run = runLength(&d, sizes);
  for (ptrdiff_t first = 0; first < d.pixels; first += run) {
    const ptrdiff_t pixels = d.pixels - first < run ? d.pixels - first : run;
    const ptrdiff_t columns = (pixels - 1) * d.columnStep + sizes.span;
    for (ptrdiff_t c = 0; c < d.channels; c += 16) {
      const ptrdiff_t count = d.channels - c;
      const __mmask16 exist = count < 16 ? (__mmask16)((1 << count) - 1) : 0xFFFF;
      loadColumns(
        &d, d.firstColumn + first * d.columnStep, columns, c, exist, scratch.outside, sizes.vectors, scratch.columns);
      const __m512i offsets = loadWeights(&d, c, exist, scratch.weights);
      const qi_requantization *r = &d.requantization;
      const __m512i biases = _mm512_sub_epi32(_mm512_maskz_loadu_epi32(exist, r->biases + c), offsets);
      const Scales scales = makeScales(
        _mm512_maskz_loadu_epi32(exist, r->multipliers + c),
        _mm512_cvtepi8_epi32(_mm_mask_loadu_epi8(_mm_set1_epi8(-1), exist, r->shifts + c)));
      for (ptrdiff_t p = 0; p < pixels;) {
        const __m512i *x = scratch.columns + p * d.columnStep * sizes.vectors;
        int8_t *codes = scratch.codes + p * sizes.codeStride + c;
        if (p + tilePixels <= pixels) {
          computePixels(tilePixels, &d, sizes, x, scratch.weights, biases, &scales, codes);
          p += tilePixels;
        } else {
          computePixels(1, &d, sizes, x, scratch.weights, biases, &scales, codes);
          p += 1;
        }
      }
    }
    copyCodes(&d, sizes, scratch.codes, pixels, output + first * outputStride, outputStride);
  }
}

#pragma clang attribute pop
#endif
