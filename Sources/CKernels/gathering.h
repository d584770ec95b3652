// How bytes come under a convolution's window: a row of codes for each output cell.
#pragma once
#include "CKernels.h"

#if defined(__ARM_FEATURE_MVE) && !defined(QI_PLAIN)
#define QI_HAS_MVE 1
#include <arm_mve.h>
#else
#define QI_HAS_MVE 0
#endif

#define QI_INLINE static inline __attribute__((always_inline))

// Copies bytes.
QI_INLINE void qi_copy_bytes(int8_t *_Nonnull to, const int8_t *_Nonnull from, ptrdiff_t count) {
#if QI_HAS_MVE
  for (; count > 0; count -= 16, to += 16, from += 16) {
    const mve_pred16_t bytes = vctp8q((uint32_t)count);
    vstrbq_p_s8(to, vldrbq_z_s8(from, bytes), bytes);
  }
#elif defined(__x86_64__)
  // Pieces may overlap.
  if (count >= 16) {
    for (ptrdiff_t index = 0; index + 16 < count; index += 16) __builtin_memcpy(to + index, from + index, 16);
    __builtin_memcpy(to + count - 16, from + count - 16, 16);
  } else if (count >= 4) {
    if (count >= 8) {
      __builtin_memcpy(to, from, 8);
      __builtin_memcpy(to + count - 8, from + count - 8, 8);
    } else {
      __builtin_memcpy(to, from, 4);
      __builtin_memcpy(to + count - 4, from + count - 4, 4);
    }
  } else {
    for (; count > 0; count -= 1) *to++ = *from++;
  }
#else
  for (; count > 0; count -= 1) *to++ = *from++;
#endif
}

// Sets bytes.
QI_INLINE void qi_set_bytes(int8_t *_Nonnull to, int8_t code, ptrdiff_t count) {
#if QI_HAS_MVE
  for (; count > 0; count -= 16, to += 16) vstrbq_p_s8(to, vdupq_n_s8(code), vctp8q((uint32_t)count));
#else
  for (; count > 0; count -= 1) *to++ = code;
#endif
}

// Gathers the inputs under the window of one output cell, from a channel on, and fills them up to a quad with zeros.
QI_INLINE void qi_gather_bytes(
  const qi_convolution *_Nonnull c, int32_t column, int32_t row, int32_t channel, int8_t *_Nonnull to) {
  const int32_t channels = c->groupChannels, taps = c->frequency.taps, dilation = c->frequency.dilation;
  const int32_t firstRow = row * c->frequency.stride - c->frequency.padding;
  // Taps that lie one behind the other, as inputs do.
  const bool isRun = (dilation == 1 || taps == 1) && channels == c->channels && firstRow >= 0 &&
    firstRow + (taps - 1) * dilation < c->rowCount;
  int32_t inputColumn = column * c->time.stride - c->time.padding;
  ptrdiff_t done = 0;
  for (int32_t i = 0; i < c->time.taps; i += 1, inputColumn += c->time.dilation) {
    if (inputColumn < 0 || inputColumn >= c->columnCount) {
      qi_set_bytes(to + done, c->inputZeroPoint, taps * (ptrdiff_t)channels);
      done += taps * (ptrdiff_t)channels;
      continue;
    }
    int32_t place = c->start + inputColumn;
    if (place >= c->capacity) place -= c->capacity;
    const int8_t *const codes = c->columns + (place * (ptrdiff_t)c->rowCount + firstRow) * c->channels + channel;
    if (isRun) {
      qi_copy_bytes(to + done, codes, taps * (ptrdiff_t)channels);
      done += taps * (ptrdiff_t)channels;
      continue;
    }
    for (int32_t j = 0; j < taps; j += 1, done += channels) {
      const int32_t inputRow = firstRow + j * dilation;
      if (inputRow >= 0 && inputRow < c->rowCount) {
        qi_copy_bytes(to + done, codes + j * dilation * (ptrdiff_t)c->channels, channels);
      } else {
        qi_set_bytes(to + done, c->inputZeroPoint, channels);
      }
    }
  }
  for (; (done & 3) != 0; done += 1) to[done] = 0;
}

// A convolution, and what follows from it once for all cells.
typedef struct {
  const qi_convolution *_Nonnull c;
  ptrdiff_t quads;  // the size of a row
  // The last row on which a cell's inputs may begin and lie one behind the other in a column, or -1. So they do in `runs`
  // runs, as far apart, for cells whose first input column is in 0 ... lastColumn.
  int32_t lastRow, lastColumn, runs;
  ptrdiff_t run, runStride;
} qi_gathering;

QI_INLINE qi_gathering qi_gathering_of(const qi_convolution *_Nonnull c) {
  const ptrdiff_t run = c->frequency.taps * (ptrdiff_t)c->groupChannels;
  const ptrdiff_t stride = c->time.dilation * c->rowCount * (ptrdiff_t)c->channels;
  const int32_t reach = (c->time.taps - 1) * c->time.dilation, columns = c->capacity - c->start;
  qi_gathering p = {.c = c, .quads = (c->time.taps * run + 3) >> 2, .lastRow = -1, .runs = c->time.taps, .run = run,
    .runStride = stride, .lastColumn = (columns < c->columnCount ? columns : c->columnCount) - 1 - reach};
  if (c->frequency.dilation == 1 && c->groupChannels == c->channels) p.lastRow = c->rowCount - c->frequency.taps;
  if (run == stride) {
    p.run *= p.runs;
    p.runs = 1;
  }
  return p;
}

// Gathers the inputs of an output cell, from a channel on.
static __attribute__((noinline, unused)) void qi_gather(
  const qi_gathering *_Nonnull p, int32_t column, int32_t row, int32_t channel, int8_t *_Nonnull to) {
  const qi_convolution *const c = p->c;
  const int32_t firstColumn = column * c->time.stride - c->time.padding;
  const int32_t firstRow = row * c->frequency.stride - c->frequency.padding;
  if (firstColumn < 0 || firstColumn > p->lastColumn || firstRow < 0 || firstRow > p->lastRow) {
    qi_gather_bytes(c, column, row, channel, to);
    return;
  }
  const int8_t *codes = c->columns + ((c->start + firstColumn) * (ptrdiff_t)c->rowCount + firstRow) * c->channels;
  int8_t *const end = to + 4 * p->quads;
  for (int32_t left = p->runs; left > 0; left -= 1, codes += p->runStride, to += p->run) qi_copy_bytes(to, codes, p->run);
  while (to < end) *to++ = 0;
}
