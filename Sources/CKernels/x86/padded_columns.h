// Columns of an input in the scratch, with what a window reads beyond the input beside them: so every window finds its
// codes at the same distances, and the output may lie where the input lay.
#pragma once
#if defined(__x86_64__)
#include "avx512.h"

#pragma clang assume_nonnull begin
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni"))), apply_to = function)

// Columns lie in phases, of which there are as many as the window steps over columns at once: column p of the input's part
// lies at place p / phases of phase p % phases. So neighbouring output columns read neighbouring places. Where an output
// column is a single cell there is one phase, and the cells are that much farther apart.
typedef struct {
  const qi_convolution *c;
  int8_t *codes;
  int32_t rows;             // A column's, padding included.
  int32_t phases;
  ptrdiff_t cellStride;     // From the first input of a cell to that of the next, in bytes.
  ptrdiff_t cellsPerColumn; // Cells from an output column to the next; those beyond the output's rows mean nothing.
  ptrdiff_t columnBytes;
  int32_t places;           // A phase's.
} PaddedColumns;

// The next multiple of a cache line.
ALWAYS_INLINE int8_t *aligned64(int8_t *pointer) { return pointer + (-(uintptr_t)pointer & 63); }

ALWAYS_INLINE int32_t reachOf(const qi_window_step *step) { return (step->taps - 1) * step->dilation + 1; }

// The layout for a convolution with no places yet.
ALWAYS_INLINE PaddedColumns paddedColumnsOf(const qi_convolution *c, int8_t *scratch) {
  const bool isCellEach = c->outputRowCount == 1;
  const int32_t step = c->frequency.stride;
  int32_t rows = (c->outputRowCount - 1) * step + reachOf(&c->frequency);
  if (!isCellEach) rows = (rows + step - 1) / step * step;
  const ptrdiff_t bytes = rows * (ptrdiff_t)c->channels;
  return (PaddedColumns){
    .c = c,
    .codes = scratch,
    .rows = rows,
    .phases = isCellEach ? 1 : c->time.stride,
    .cellStride = isCellEach ? c->time.stride * bytes : step * (ptrdiff_t)c->channels,
    .cellsPerColumn = isCellEach ? 1 : rows / step,
    .columnBytes = bytes,
  };
}

// Lays the places out for so many output columns; returns the bytes that they take.
ALWAYS_INLINE ptrdiff_t layOut(PaddedColumns *p, int32_t outputColumns) {
  const int32_t reach = reachOf(&p->c->time), stride = p->c->time.stride;
  const bool isOnePhase = p->phases == 1;
  p->places = isOnePhase ? (outputColumns - 1) * stride + reach : outputColumns + (reach - 1) / stride;
  const int32_t used = p->phases < reach ? p->phases : reach;
  return used * (ptrdiff_t)p->places * p->columnBytes;
}

// How far a column tap of a cell lies behind its first one.
ALWAYS_INLINE ptrdiff_t tapOffset(const PaddedColumns *p, int32_t tap) {
  const int32_t distance = tap * p->c->time.dilation;
  return (distance % p->phases * (ptrdiff_t)p->places + distance / p->phases) * p->columnBytes;
}

// Copies codes, their bits flipped as said.
ALWAYS_INLINE void copyCodes64(int8_t *to, const int8_t *from, ptrdiff_t count, __m512i flip) {
  for (; count >= 64; count -= 64, to += 64, from += 64) {
    _mm512_storeu_si512(to, _mm512_xor_si512(_mm512_loadu_si512(from), flip));
  }
  const __mmask64 rest = (1ull << count) - 1;
  _mm512_mask_storeu_epi8(to, rest, _mm512_xor_si512(_mm512_maskz_loadu_epi8(rest, from), flip));
}

ALWAYS_INLINE void setCodes64(int8_t *to, __m512i codes, ptrdiff_t count) {
  for (; count >= 64; count -= 64, to += 64) _mm512_storeu_si512(to, codes);
  _mm512_mask_storeu_epi8(to, (1ull << count) - 1, codes);
}

// Copies the columns under the windows of output columns from one on, with bits of each code flipped.
static __attribute__((unused)) void copyColumns(const PaddedColumns *p, int32_t firstOutputColumn, int8_t flipped) {
  const qi_convolution *const c = p->c;
  const __m512i flip = _mm512_set1_epi8(flipped);
  const __m512i outside = _mm512_xor_si512(_mm512_set1_epi8(c->inputZeroPoint), flip);
  const int32_t first = firstOutputColumn * c->time.stride - c->time.padding, reach = reachOf(&c->time);
  const int32_t before = c->frequency.padding < p->rows ? c->frequency.padding : p->rows;
  const int32_t inside = c->rowCount < p->rows - before ? c->rowCount : p->rows - before;
  const ptrdiff_t beforeBytes = before * (ptrdiff_t)c->channels, insideBytes = inside * (ptrdiff_t)c->channels;
  const ptrdiff_t sourceBytes = c->rowCount * (ptrdiff_t)c->channels;
  const bool isRun = p->phases == 1 && insideBytes == p->columnBytes && insideBytes == sourceBytes;
  for (int32_t phase = 0; phase < p->phases && phase < reach; phase += 1) {
    int8_t *to = p->codes + phase * (ptrdiff_t)p->places * p->columnBytes;
    for (int32_t place = 0; place < p->places;) {
      const int32_t column = first + place * p->phases + phase;
      int32_t count = 1;
      if (column < 0 || column >= c->columnCount) {
        setCodes64(to, outside, p->columnBytes);
      } else {
        int32_t source = c->start + column;
        if (source >= c->capacity) source -= c->capacity;
        const int8_t *const from = c->columns + source * sourceBytes;
        if (isRun) {
          // Columns that lie one behind the other.
          count = p->places - place;
          if (count > c->columnCount - column) count = c->columnCount - column;
          if (count > c->capacity - source) count = c->capacity - source;
          copyCodes64(to, from, count * insideBytes, flip);
        } else {
          setCodes64(to, outside, beforeBytes);
          copyCodes64(to + beforeBytes, from, insideBytes, flip);
          setCodes64(to + beforeBytes + insideBytes, outside, p->columnBytes - beforeBytes - insideBytes);
        }
      }
      place += count;
      to += count * p->columnBytes;
    }
  }
}

#pragma clang attribute pop
#pragma clang assume_nonnull end
#endif
