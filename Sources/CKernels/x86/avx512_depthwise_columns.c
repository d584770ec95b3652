// AVX-512 with VNNI: depthwise convolutions of whole columns, 64 codes at a time, four taps a lane.
//
// A column's codes lie in a row, cell behind cell: a tap of 64 neighbouring outputs is 64 neighbouring inputs. So a vector's
// channels begin anew each 64 codes only where 64 is a multiple of their number; of other numbers there are several kinds of
// vectors, each with its weights. The inputs are 128 more, without sign, and 128 times the weights' sum is taken off.
#if defined(__x86_64__)
#include "padded_columns.h"
#include "short_scales.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni"))), apply_to = function)

enum { mostTaps = 64, mostKinds = 16 };

// Four taps of 64 codes side by side: vector j has in its lane 4L + i the taps of code 16L + 4j + i.
ALWAYS_INLINE void interleave(const __m512i *taps, __m512i *vectors) {
  const __m512i low01 = _mm512_unpacklo_epi8(taps[0], taps[1]), high01 = _mm512_unpackhi_epi8(taps[0], taps[1]);
  const __m512i low23 = _mm512_unpacklo_epi8(taps[2], taps[3]), high23 = _mm512_unpackhi_epi8(taps[2], taps[3]);
  vectors[0] = _mm512_unpacklo_epi16(low01, low23);
  vectors[1] = _mm512_unpackhi_epi16(low01, low23);
  vectors[2] = _mm512_unpacklo_epi16(high01, high23);
  vectors[3] = _mm512_unpackhi_epi16(high01, high23);
}

// What 64 neighbouring codes need.
typedef struct {
  __m512i weights[mostTaps];  // Four vectors for four taps.
  __m512i biases[4];
  ShortScales scales[4];
  bool isShort;
} Kind;

// 64 channels' weights of a tap, from a channel on.
ALWAYS_INLINE __m512i loadTap(const int8_t *weights, ptrdiff_t channels, ptrdiff_t channel) {
  if (channel + 64 <= channels) return _mm512_loadu_si512(weights + channel);
  int8_t codes[64];
  for (ptrdiff_t index = 0; index < 64; index++) {
    codes[index] = weights[channel];
    channel = channel + 1 == channels ? 0 : channel + 1;
  }
  return _mm512_loadu_si512(codes);
}

static void prepareKind(const qi_convolution *c, ptrdiff_t firstChannel, int32_t taps, Kind *kind) {
  const qi_requantization *const r = &c->requantization;
  __m512i offsets[4] = {0};
  for (int32_t tap = 0; tap < taps; tap += 4) {
    __m512i codes[4];
    for (int32_t i = 0; i < 4; i++) {
      const int8_t *const weights = c->weights + (tap + i) * (ptrdiff_t)c->channels;
      codes[i] = tap + i < taps ? loadTap(weights, c->channels, firstChannel) : _mm512_setzero_si512();
    }
    interleave(codes, kind->weights + tap);
    for (int j = 0; j < 4; j++) {
      offsets[j] = _mm512_dpbusd_epi32(offsets[j], _mm512_set1_epi8(-128), kind->weights[tap + j]);
    }
  }
  int32_t biases[4][16], multipliers[4][16], shifts[4][16];
  ptrdiff_t channel = firstChannel;
  for (int index = 0; index < 64; index++) {
    const int vector = index / 4 % 4, lane = index / 16 * 4 + index % 4;
    biases[vector][lane] = r->biases[channel];
    multipliers[vector][lane] = r->multipliers[channel];
    shifts[vector][lane] = r->shifts[channel];
    channel = channel + 1 == c->channels ? 0 : channel + 1;
  }
  kind->isShort = true;
  for (int j = 0; j < 4; j++) {
    const __m512i bias = _mm512_loadu_si512(biases[j]);
    kind->scales[j] = makeShortScales(_mm512_loadu_si512(multipliers[j]), _mm512_loadu_si512(shifts[j]));
    kind->isShort = kind->isShort && isShort(&kind->scales[j], bias);
    kind->biases[j] = _mm512_sub_epi32(bias, offsets[j]);
  }
}

typedef struct {
  __m512i zeroPoint, shortZeroPoint, minimum, maximum;
} Limits;

// 64 codes at once.
ALWAYS_INLINE __m512i compute64(
  const bool isShortWay, const Kind *kind, const int8_t *inputs, const ptrdiff_t *offsets, int32_t taps,
  const Limits *limits) {
  __m512i sums[4] = {kind->biases[0], kind->biases[1], kind->biases[2], kind->biases[3]};
  for (int32_t tap = 0; tap < taps; tap += 4) {
    __m512i codes[4], vectors[4];
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) codes[i] = _mm512_loadu_si512(inputs + offsets[tap + i]);
    interleave(codes, vectors);
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) sums[j] = _mm512_dpbusd_epi32(sums[j], vectors[j], kind->weights[tap + j]);
  }
#pragma clang loop unroll(full)
  for (int j = 0; j < 4; j++) sums[j] = scaledSums(isShortWay, sums[j], &kind->scales[j], limits->zeroPoint);
  const __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(sums[0], sums[1]), limits->shortZeroPoint);
  const __m512i high = _mm512_adds_epi16(_mm512_packs_epi32(sums[2], sums[3]), limits->shortZeroPoint);
  return _mm512_min_epi8(_mm512_max_epi8(_mm512_packs_epi16(low, high), limits->minimum), limits->maximum);
}

// All codes of a kind: each `kinds`-th vector of each column.
ALWAYS_INLINE void computeKind(
  const bool isShortWay, const PaddedColumns *p, const Kind *kind, ptrdiff_t first, ptrdiff_t kinds,
  const ptrdiff_t *offsets, int32_t taps, ptrdiff_t cells, int8_t *output) {
  const qi_convolution *const c = p->c;
  const Limits limits = {
    .zeroPoint = _mm512_set1_epi32(c->requantization.zeroPoint),
    .shortZeroPoint = _mm512_set1_epi16(isShortWay ? (short)c->requantization.zeroPoint : 0),
    .minimum = _mm512_set1_epi8((char)c->requantization.minimum),
    .maximum = _mm512_set1_epi8((char)c->requantization.maximum),
  };
  const ptrdiff_t columnCodes = c->outputRowCount * (ptrdiff_t)c->channels;
  const ptrdiff_t step = 64 * kinds, inputStep = step == c->channels ? p->cellStride : step;
  const int8_t *column = p->codes;
  for (ptrdiff_t left = cells * c->channels; left > 0; left -= columnCodes, output += columnCodes) {
    const ptrdiff_t count = left < columnCodes ? left : columnCodes;
    const int8_t *inputs = column + first;
    for (ptrdiff_t place = first; place < count; place += step, inputs += inputStep) {
      const __m512i codes = compute64(isShortWay, kind, inputs, offsets, taps, &limits);
      if (place + 64 <= count) {
        _mm512_storeu_si512(output + place, codes);
      } else {
        _mm512_mask_storeu_epi8(output + place, (1ull << (count - place)) - 1, codes);
      }
    }
    column += p->cellsPerColumn * p->cellStride;
  }
}

// A signal whose columns are single cells, as one column of as many rows.
static bool turn(qi_convolution *c) {
  if (c->rowCount != 1 || c->outputRowCount != 1 || c->frequency.taps != 1 || c->frequency.padding != 0) return false;
  if (c->firstColumn != 0 || c->start + c->columnCount > c->capacity) return false;
  const qi_window_step step = c->time;
  c->time = c->frequency;
  c->time.stride = 1;
  c->frequency = step;
  c->columns += c->start * (ptrdiff_t)c->channels;
  c->rowCount = c->columnCount;
  c->outputRowCount = c->cellCount;
  c->start = 0;
  c->capacity = c->columnCount = 1;
  return true;
}

bool qi_depthwise_columns_avx512(
  const qi_convolution *convolution, int8_t *scratch, ptrdiff_t scratchBytes, int8_t *output) {
  qi_convolution c = *convolution;
  const int32_t taps = c.time.taps * c.frequency.taps;
  ptrdiff_t kinds = c.channels;
  for (int half = 0; half < 6 && kinds % 2 == 0; half++) kinds /= 2;
  if (c.channels % 64 == 0) kinds = c.channels / 64;
  if (taps > mostTaps || kinds > mostKinds) return false;
  turn(&c);
  // Vectors of several cells want these one behind the other.
  if (c.outputRowCount > 1 && c.frequency.stride > 1 && c.channels % 64 != 0) return false;
  PaddedColumns columns = paddedColumnsOf(&c, aligned64(scratch));
  const ptrdiff_t slack = 128;  // To align the columns, and for the last vector.
  int32_t outputColumns = (c.cellCount + c.outputRowCount - 1) / c.outputRowCount;
  while (outputColumns > 1 && layOut(&columns, outputColumns) + slack > scratchBytes) outputColumns = (outputColumns + 1) / 2;
  if (layOut(&columns, outputColumns) + slack > scratchBytes) return false;
  ptrdiff_t offsets[mostTaps];
  for (int32_t tap = 0; tap < (taps + 3) / 4 * 4; tap++) {
    const int32_t existing = tap < taps ? tap : 0;
    offsets[tap] = tapOffset(&columns, existing / c.frequency.taps) +
      existing % c.frequency.taps * (ptrdiff_t)c.frequency.dilation * c.channels;
  }
  int32_t column = c.firstColumn;
  for (ptrdiff_t left = c.cellCount; left > 0; column += outputColumns) {
    const ptrdiff_t whole = outputColumns * (ptrdiff_t)c.outputRowCount, cells = left < whole ? left : whole;
    copyColumns(&columns, column, -128);
    for (ptrdiff_t k = 0; k < kinds; k++) {
      Kind kind;
      prepareKind(&c, 64 * k % c.channels, taps, &kind);
      if (kind.isShort) {
        computeKind(true, &columns, &kind, 64 * k, kinds, offsets, taps, cells, output);
      } else {
        computeKind(false, &columns, &kind, 64 * k, kinds, offsets, taps, cells, output);
      }
    }
    output += cells * c.channels;
    left -= cells;
  }
  return true;
}

#pragma clang attribute pop
#endif
