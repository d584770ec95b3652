// Convolutions for processors with ARM's DSP extension.
//
// The inputs of two output cells are gathered, widened, and meet all channels' weights; a last cell is by itself.
#include "CKernels.h"

#if QI_DSP_KERNELS

#include "dsp.h"

// A convolution, and what follows from it once for all cells.
typedef struct {
  const qi_convolution *c;
  int16_t *rows;
  ptrdiff_t columnStride;
  ptrdiff_t run;            // The inputs under a column's taps.
  int32_t lastRow;          // The last row on which they may begin and lie one behind the other, in whole quads; or -1.
  ptrdiff_t quads;          // The size of a row.
  ptrdiff_t groupChannels;  // Of the output.
  ptrdiff_t together;       // Those of them that take two rows at once.
} plan;

// Two numbers of 16 bits in a row.
typedef int32_t __attribute__((may_alias)) pair;

// Puts quads of codes into a row, so many pairs apart.
__attribute__((noinline)) static void putQuads(const int8_t *codes, ptrdiff_t quads, pair *quad, ptrdiff_t step) {
  if (quads & 1) goto second;
#pragma clang loop unroll(disable)
  for (; quads > 0; quads -= 2) {
    const int32_t word = qi_load4(codes);
    quad[0] = qi_sxtb16(word);
    quad[1] = qi_sxtb16_odd(word);
    codes += 4;
    quad += step;
  second:;
    const int32_t next = qi_load4(codes);
    quad[0] = qi_sxtb16(next);
    quad[1] = qi_sxtb16_odd(next);
    codes += 4;
    quad += step;
  }
}

QI_INLINE void put(int8_t code, pair *row, ptrdiff_t step, ptrdiff_t place) {
  ((int16_t *)(row + (place >> 2) * step))[(place & 1) << 1 | (place >> 1 & 1)] = code;
}

// Puts the codes under the taps of one column into a row, from a place in it on; `codes` is NULL where the column is outside.
__attribute__((noinline)) static void putTaps(
  const plan *p, const int8_t *codes, int32_t inputRow, pair *row, ptrdiff_t step, ptrdiff_t place) {
  const qi_convolution *const c = p->c;
  const ptrdiff_t channels = c->groupChannels;
  for (int32_t j = c->frequency.taps; j > 0; j -= 1, inputRow += c->frequency.dilation) {
    const bool isInside = codes != NULL && (uint32_t)inputRow < (uint32_t)c->rowCount;
    const int8_t *next = isInside ? codes + inputRow * (ptrdiff_t)c->channels : &c->inputZeroPoint;
    if (isInside && (channels & 3) == 0) {
      putQuads(next, channels >> 2, row + (place >> 2) * step, step);
      place += channels;
      continue;
    }
    for (const ptrdiff_t end = place + channels; place < end; place += 1, next += isInside) put(*next, row, step, place);
  }
}

// Gathers the inputs under the window of one output cell or two, from a row of a column on, from a channel on.
__attribute__((noinline)) static void gather(
  const plan *p, int32_t column, int32_t row, int32_t cells, ptrdiff_t channel) {
  const qi_convolution *const c = p->c;
  const ptrdiff_t step = 2 * cells;
  pair *rows = (pair *)p->rows;
  for (;;) {
    // The second one may lie in the next column.
    const int32_t together = row + cells <= c->outputRowCount ? cells : 1;
    const int32_t stride = c->frequency.stride, firstRow = row * stride - c->frequency.padding;
    const bool areRuns = firstRow >= 0 && firstRow + (together - 1) * stride <= p->lastRow;
    int32_t inputColumn = column * c->time.stride - c->time.padding;
    ptrdiff_t done = 0;
    for (int32_t i = c->time.taps; i > 0; i -= 1, inputColumn += c->time.dilation, done += p->run) {
      const int8_t *codes = NULL;
      if ((uint32_t)inputColumn < (uint32_t)c->columnCount) {
        int32_t index = c->start + inputColumn;
        if (index >= c->capacity) index -= c->capacity;
        codes = c->columns + index * p->columnStride + channel;
        if (areRuns) {
          pair *const quad = rows + (done >> 2) * step;
          codes += firstRow * (ptrdiff_t)c->channels;
          putQuads(codes, p->run >> 2, quad, step);
          if (together > 1) putQuads(codes + stride * (ptrdiff_t)c->channels, p->run >> 2, quad + 2, step);
          continue;
        }
      }
      putTaps(p, codes, firstRow, rows, step, done);
      if (together > 1) putTaps(p, codes, firstRow + stride, rows + 2, step, done);
    }
    for (; (done & 3) != 0; done += 1) {
      put(0, rows, step, done);
      if (together > 1) put(0, rows + 2, step, done);
    }
    if (together == cells) return;
    rows += 2;
    row = 0;
    column += 1;
    cells = 1;
  }
}

// A gathered row times some channels of a group, from the first of a block on.
__attribute__((noinline)) static void oneRow(
  const plan *p, const int16_t *row, ptrdiff_t step, ptrdiff_t firstChannel, ptrdiff_t done, const int8_t *weights,
  int8_t *output) {
  const qi_requantization *const r = &p->c->requantization;
  weights += 4 * p->quads * done;
  for (; done < p->groupChannels; done += 4) {
    const ptrdiff_t channel = firstChannel + done, left = p->groupChannels - done;
    int32_t sums[4];
    for (int index = 0; index < 4; index += 1) sums[index] = r->biases[channel + index];
    if (step == 4) {
      qi_one_row(row, weights, weights + 16 * p->quads, sums);
      weights += 16 * p->quads;
    } else {
      for (ptrdiff_t quad = 0; quad < p->quads; quad += 1, weights += 16) {
        qi_one_row(row + step * quad, weights, weights + 16, sums);
      }
    }
    qi_codes(r, channel, left < 4 ? left : 4, sums, output + channel);
  }
}

// Limits codes to fewer than 8 bits can have.
__attribute__((noinline)) static void limit(const qi_requantization *r, int8_t *codes, ptrdiff_t count) {
  for (; count > 0; count -= 1, codes += 1) {
    *codes = (int8_t)(*codes < r->minimum ? r->minimum : *codes > r->maximum ? r->maximum : *codes);
  }
}

bool qi_convolution_dsp(const qi_convolution *c, int16_t *scratch, int8_t *output) {
  if (((uintptr_t)c->weights | (uintptr_t)scratch) % 4 != 0) return false;
  const qi_requantization *const r = &c->requantization;
  const int32_t groups = c->channels / c->groupChannels;
  plan p = {.c = c, .rows = scratch, .columnStride = c->rowCount * (ptrdiff_t)c->channels,
    .run = c->frequency.taps * (ptrdiff_t)c->groupChannels, .lastRow = -1, .groupChannels = c->outputChannels / groups};
  if (groups == 1 && c->frequency.dilation == 1 && (p.run & 3) == 0) p.lastRow = c->rowCount - c->frequency.taps;
  p.quads = (c->time.taps * p.run + 3) >> 2;
  // Whole blocks of four channels.
  p.together = p.groupChannels & ~(ptrdiff_t)3;
  for (ptrdiff_t channel = 0; channel < c->outputChannels && c->cellCount > 1; channel += 1) {
    if (!qi_is_short(r, channel)) p.together = 0;
  }
  const bool isNarrow = r->minimum > -128 || r->maximum < 127;
  const ptrdiff_t groupBytes = ((p.groupChannels + 3) >> 2) * 16 * p.quads;
  qi_two_rows_times_channels operands = {
    .rows = scratch, .byteCount = 16 * p.quads, .biases = r->biases, .multipliers = r->multipliers, .shifts = r->shifts,
    .end = r->multipliers + p.together, .zeroPoint = 2 * r->zeroPoint + 1, .outputStride = c->outputChannels,
    .step = 8 - 16 * p.quads, .nextStep = -8, .weights = c->weights};
  int32_t column = c->firstColumn, row = 0, left = c->cellCount;
  for (; left > 1; left -= 2, output += 2 * c->outputChannels) {
    int32_t group = 0;
    do {
      const ptrdiff_t first = group * p.groupChannels;
      gather(&p, column, row, 2, group * c->groupChannels);
      if (groups > 1) {
        operands.biases = r->biases + first;
        operands.multipliers = r->multipliers + first;
        operands.shifts = r->shifts + first;
        operands.end = operands.multipliers + p.together;
        operands.weights = c->weights + group * groupBytes;
      }
      operands.output = output + first;
      if (p.together > 0) qi_two_rows(&operands);
      if (isNarrow) {
        limit(r, operands.output, p.together);
        limit(r, operands.output + c->outputChannels, p.together);
      }
      if (p.together < p.groupChannels) {
        oneRow(&p, scratch, 8, first, p.together, operands.weights, output);
        oneRow(&p, scratch + 4, 8, first, p.together, operands.weights, output + c->outputChannels);
      }
      group += 1;
    } while (group < groups);
    for (row += 2; row >= c->outputRowCount; row -= c->outputRowCount) column += 1;
  }
  for (int32_t group = 0; left > 0 && group < groups; group += 1) {
    gather(&p, column, row, 1, group * c->groupChannels);
    oneRow(&p, scratch, 4, group * p.groupChannels, 0, c->weights + group * groupBytes, output);
  }
  return true;
}

#endif
