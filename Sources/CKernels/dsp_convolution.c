// Convolutions for processors with ARM's DSP extension.
//
// The inputs of two output cells are gathered, widened, and meet all channels' weights; a last cell is by itself.
#include "CKernels.h"

#if QI_DSP_KERNELS

#include "dsp.h"

// The place of a cell.
typedef struct {
  int32_t column, row;
} cell;

// A convolution, and what follows from it once for all cells.
typedef struct {
  const qi_convolution *c;
  int16_t *rows;
  ptrdiff_t columnStride;
  ptrdiff_t run;            // The inputs under a column's taps.
  // The last row on which they may begin and lie one behind the other, in whole quads; or -1. So they do in `runs` runs
  // for cells whose first input column is in 0 ... lastColumn.
  int32_t lastRow;
  int32_t lastColumn;
  int32_t runs;
  ptrdiff_t runQuads, runStride;
  ptrdiff_t quads;          // The size of a row.
  ptrdiff_t groupChannels;  // Of the output.
  ptrdiff_t together;       // Those of them that take two rows at once.
  ptrdiff_t rest;           // The first that may be computed by itself: 0 where one is none that `qi_is_short`.
} plan;

QI_INLINE void put(int8_t code, qi_pair *row, ptrdiff_t step, ptrdiff_t place) {
  ((int16_t *)(row + (place >> 2) * step))[(place & 1) << 1 | (place >> 1 & 1)] = code;
}

// Puts the codes under the taps of one column into a row, from a place in it on; `codes` is NULL where the column is outside.
__attribute__((noinline)) static void putTaps(
  const plan *p, const int8_t *codes, int32_t inputRow, qi_pair *row, ptrdiff_t step, ptrdiff_t place) {
  const qi_convolution *const c = p->c;
  const ptrdiff_t channels = c->groupChannels, whole = channels & ~(ptrdiff_t)3;
  for (int32_t j = c->frequency.taps; j > 0; j -= 1, inputRow += c->frequency.dilation) {
    const bool isInside = codes != NULL && (uint32_t)inputRow < (uint32_t)c->rowCount;
    const int8_t *next = isInside ? codes + inputRow * (ptrdiff_t)c->channels : &c->inputZeroPoint;
    const ptrdiff_t end = place + channels;
    if (isInside && whole > 0 && (place & 3) == 0) {
      qi_put_quads(next, whole >> 2, row + (place >> 2) * step, step);
      place += whole;
      next += whole;
    }
    for (; place < end; place += 1, next += isInside) put(*next, row, step, place);
  }
}

// Gathers the inputs under the window of an output cell from a channel on.
__attribute__((noinline)) static void gatherCell(
  const plan *p, cell place, ptrdiff_t channel, qi_pair *row, ptrdiff_t step) {
  const qi_convolution *const c = p->c;
  ptrdiff_t done = 0;
  for (int32_t i = c->time.taps; i > 0; i -= 1, place.column += c->time.dilation, done += p->run) {
    const int8_t *codes = NULL;
    if ((uint32_t)place.column < (uint32_t)c->columnCount) {
      int32_t index = c->start + place.column;
      if (index >= c->capacity) index -= c->capacity;
      codes = c->columns + index * p->columnStride + channel;
      if (place.row >= 0 && place.row <= p->lastRow) {
        qi_put_quads(codes + place.row * (ptrdiff_t)c->channels, p->run >> 2, row + (done >> 2) * step, step);
        continue;
      }
    }
    putTaps(p, codes, place.row, row, step, done);
  }
  for (; (done & 3) != 0; done += 1) put(0, row, step, done);
}

// The place of the input under the first tap for an output cell.
QI_INLINE cell firstInput(const qi_convolution *c, cell output) {
  return (cell){output.column * c->time.stride - c->time.padding, output.row * c->frequency.stride - c->frequency.padding};
}

// Whether all of an output cell's inputs lie in runs of whole quads, whose distance does not change.
QI_INLINE bool isPlain(const plan *p, cell input) {
  return input.row >= 0 && input.row <= p->lastRow && input.column >= 0 && input.column <= p->lastColumn;
}

// Gathers the inputs of two output cells.
static void gather(const plan *p, cell first, cell second, ptrdiff_t channel) {
  const qi_convolution *const c = p->c;
  qi_pair *rows = (qi_pair *)p->rows;
  first = firstInput(c, first);
  second = firstInput(c, second);
  if (!isPlain(p, first) || !isPlain(p, second)) {
    gatherCell(p, first, channel, rows, 4);
    gatherCell(p, second, channel, rows + 2, 4);
    return;
  }
  const int8_t *codes = c->columns + (c->start + first.column) * p->columnStride + first.row * (ptrdiff_t)c->channels;
  const ptrdiff_t distance =
    (second.column - first.column) * p->columnStride + (second.row - first.row) * (ptrdiff_t)c->channels;
  for (int32_t i = p->runs; i > 0; i -= 1) {
    qi_put_quads(codes, p->runQuads, rows, 4);
    qi_put_quads(codes + distance, p->runQuads, rows + 2, 4);
    codes += p->runStride;
    rows += 4 * p->runQuads;
  }
}

// Whether a channel has one code whatever its inputs are, as where its weights came to nothing in training, and their scale with them:
// then both ends of what its sum can be have that code, as a greater sum has no lesser one.
__attribute__((noinline)) static bool hasOneCode(
  const qi_requantization *r, ptrdiff_t channel, ptrdiff_t products, int8_t *code) {
  // A product has 14 bits at most. Without a shift to the right, the zero point might lead out of 32.
  const int32_t most = (int32_t)products << 14, bias = r->biases[channel];
  if (products >= 1 << 16 || r->shifts[channel] >= 0 || bias < INT32_MIN + most || bias > INT32_MAX - most) return false;
  *code = qi_code(r, channel, bias - most);
  return *code == qi_code(r, channel, bias + most);
}

// A gathered row, its quads `step` pairs apart, times those channels of a group that are left by the assembly, or that its way of
// scaling doesn't serve.
__attribute__((noinline)) static void rest(
  const plan *p, const qi_pair *row, ptrdiff_t step, ptrdiff_t firstChannel, const int8_t *weights, int8_t *output) {
  const qi_requantization *const r = &p->c->requantization;
  for (ptrdiff_t done = p->rest; done < p->groupChannels; done += 1) {
    if (done < p->together) {
      if (qi_is_short(r, firstChannel + done)) continue;
      if (hasOneCode(r, firstChannel + done, 4 * p->quads, output + done)) continue;
    }
    const int8_t *weight = weights + ((done >> 2) * 16 * p->quads + (done & 3) * 4);
    const qi_pair *quad = row;
    int32_t sum = r->biases[firstChannel + done];
    for (ptrdiff_t left = p->quads; left > 0; left -= 1, weight += 16, quad += step) {
      sum = qi_dot(sum, quad[0], quad[1], weight);
    }
    output[done] = qi_code(r, firstChannel + done, sum);
  }
}

QI_INLINE cell next(const qi_convolution *c, cell output) {
  return output.row + 1 < c->outputRowCount ? (cell){output.column, output.row + 1} : (cell){output.column + 1, 0};
}

bool qi_convolution_dsp(const qi_convolution *c, int16_t *scratch, int8_t *output) {
  if (((uintptr_t)c->weights | (uintptr_t)scratch) % 4 != 0) return false;
  const qi_requantization *const r = &c->requantization;
  const int32_t groups = c->channels / c->groupChannels;
  plan p = {.c = c, .rows = scratch, .columnStride = c->rowCount * (ptrdiff_t)c->channels,
    .run = c->frequency.taps * (ptrdiff_t)c->groupChannels, .lastRow = -1, .groupChannels = c->outputChannels / groups};
  if (groups == 1 && c->frequency.dilation == 1 && (p.run & 3) == 0) p.lastRow = c->rowCount - c->frequency.taps;
  p.quads = (c->time.taps * p.run + 3) >> 2;
  // No ring's end may lie among them.
  const int32_t reach = (c->time.taps - 1) * c->time.dilation, columnCount = c->capacity - c->start;
  p.lastColumn = (columnCount < c->columnCount ? columnCount : c->columnCount) - 1 - reach;
  p.runs = c->time.taps;
  p.runStride = c->time.dilation * p.columnStride;
  p.runQuads = p.run >> 2;
  if (p.run == p.runStride) {
    p.runQuads *= p.runs;
    p.runs = 1;
  }
  // Whole blocks of four channels. Some networks have channels whose sums are scaled by a half or more, or hardly to anything.
  p.together = p.groupChannels & ~(ptrdiff_t)3;
  p.rest = p.together;
  for (ptrdiff_t channel = 0; channel < c->outputChannels; channel += 1) {
    if (!qi_is_short(r, channel)) p.rest = 0;
  }
  const bool isNarrow = r->minimum > -128 || r->maximum < 127;
  const ptrdiff_t groupBytes = ((p.groupChannels + 3) >> 2) * 16 * p.quads;
  qi_rows_times_channels operands = {
    .rows = scratch, .byteCount = 16 * p.quads, .biases = r->biases, .multipliers = r->multipliers, .shifts = r->shifts,
    .zeroPoint = 2 * r->zeroPoint + 1, .end = r->multipliers + p.together, .outputStride = c->outputChannels,
    .step = 8 - 16 * p.quads, .nextStep = -8, .weights = c->weights};
  cell first = {c->firstColumn, 0};
  for (int32_t left = c->cellCount; left > 0; left -= 2) {
    const cell second = next(c, first);
    int32_t group = 0;
    do {
      const ptrdiff_t channel = group * p.groupChannels, input = group * c->groupChannels;
      if (groups > 1) {
        operands.biases = r->biases + channel;
        operands.multipliers = r->multipliers + channel;
        operands.shifts = r->shifts + channel;
        operands.end = operands.multipliers + p.together;
        operands.weights = c->weights + group * groupBytes;
      }
      operands.output = output + channel;
      if (left > 1) {
        gather(&p, first, second, input);
        if (p.together > 0) qi_two_rows(&operands);
      } else {
        gatherCell(&p, firstInput(c, first), input, (qi_pair *)scratch, 2);
        if (p.together > 0) qi_one_row(&operands);
      }
      // Each cell by itself.
      const int cells = left > 1 ? 2 : 1;
      for (int index = 0; index < cells && (isNarrow || p.rest < p.groupChannels); index += 1) {
        int8_t *const codes = operands.output + index * c->outputChannels;
        if (isNarrow) qi_limit(r, codes, p.together);
        rest(&p, (qi_pair *)scratch + 2 * index, 2 * cells, channel, operands.weights, codes);
      }
      group += 1;
    } while (group < groups);
    output += 2 * c->outputChannels;
    first = next(c, second);
  }
  return true;
}

#endif
