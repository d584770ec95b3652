// Convolutions and fully connected rows for processors with ARM's vector extension for microcontrollers (MVE, Helium), from
// the sums of mve_rows.c.
#include "CKernels.h"

#if QI_DSP_KERNELS

#include "mve.h"

// Where the quads of four begin among weights.
static const uint32_t places[4] = {0, 16, 32, 48};

// Adds whole quads of a row.
QI_INLINE const int8_t *addQuads(const int8_t *row, const int8_t *weights, ptrdiff_t quads, int32_t sums[4]) {
  const ptrdiff_t sixteens = quads & ~(ptrdiff_t)3;
  if (sixteens > 0) qi_one_row_by_sixteens(row, weights, weights + 16 * sixteens, sums);
  if (sixteens < quads) qi_few_quads(row + 4 * sixteens, weights + 16 * sixteens, quads - sixteens, sums);
  return weights + 16 * quads;
}

// MARK: - Convolution

// A row times some channels, from the first of a block on.
__attribute__((noinline)) static void oneRow(
  const qi_requantization *r, const int8_t *row, ptrdiff_t quads, const int8_t *weights, ptrdiff_t channel,
  ptrdiff_t end, int8_t *output) {
  for (; channel < end; channel += 4) {
    int32_t sums[4];
    qi_load_biases(r, channel, sums);
    weights = addQuads(row, weights, quads, sums);
    qi_vector_codes(r, channel, end - channel < 4 ? end - channel : 4, sums, output + channel);
  }
}

bool qi_convolution_mve(const qi_convolution *convolution, int8_t *scratch, int8_t *output) {
  // A copy, which no byte that is written can be a part of.
  const qi_convolution copy = *convolution, *const c = &copy;
  if (((uintptr_t)c->weights | (uintptr_t)scratch) % 4 != 0) return false;
  const qi_gathering p = qi_gathering_of(c);
  const qi_requantization *const r = &convolution->requantization;
  const int32_t groups = c->channels / c->groupChannels;
  const ptrdiff_t outputs = c->outputChannels / groups, blocks = outputs >> 2, rowBytes = 4 * p.quads;
  qi_two_rows_of_codes_operands operands = {
    .rows = {scratch, scratch + rowBytes}, .byteCount = 16 * (p.quads & ~(ptrdiff_t)3), .quads = p.quads & 3,
    .zeroPoint = c->requantization.zeroPoint, .minimum = c->requantization.minimum,
    .maximum = c->requantization.maximum, .places = places};
  int32_t column = c->firstColumn, row = 0;
  for (int32_t left = c->cellCount; left > 0;) {
    const int32_t cells = left > 1 ? 2 : 1;
    const int8_t *weights = c->weights;
    for (int32_t group = 0; group < groups; group += 1) {
      int32_t cellColumn = column, cellRow = row;
      for (int32_t cell = 0; cell < cells; cell += 1) {
        qi_gather(&p, cellColumn, cellRow, group * c->groupChannels, scratch + rowBytes * cell);
        cellRow += 1;
        if (cellRow == c->outputRowCount) cellRow = 0, cellColumn += 1;
      }
      const ptrdiff_t channel = group * outputs;
      ptrdiff_t done = 0;
      if (cells == 2 && blocks > 0) {
        operands.biases = c->requantization.biases + channel;
        operands.multipliers = c->requantization.multipliers + channel;
        operands.shifts = c->requantization.shifts + channel;
        operands.outputs[0] = output + channel;
        operands.outputs[1] = output + c->outputChannels + channel;
        operands.weights = weights;
        operands.blocks = blocks;
        qi_two_rows_of_codes(&operands);
        done = 4 * blocks;
      }
      const int8_t *const rest = weights + rowBytes * done;
      for (int32_t cell = 0; cell < cells && done < outputs; cell += 1) {
        oneRow(
          r, scratch + rowBytes * cell, p.quads, rest, channel + done, channel + outputs,
          output + cell * (ptrdiff_t)c->outputChannels);
      }
      weights += (outputs + 3) / 4 * 4 * rowBytes;
    }
    left -= cells;
    output += cells * (ptrdiff_t)c->outputChannels;
    for (row += cells; row >= c->outputRowCount; row -= c->outputRowCount) column += 1;
  }
  return true;
}

// MARK: - Fully connected

bool qi_fully_connected_mve(
  const qi_matrix_product *matrix, const int8_t *first, ptrdiff_t firstCount, const int8_t *second,
  ptrdiff_t secondCount, int8_t *output) {
  const qi_matrix_product copy = *matrix, *const product = &copy;
  if ((uintptr_t)product->weights % 4 != 0 || firstCount + secondCount < 1) return false;
  const qi_requantization *const r = &product->requantization;
  qi_stretches row;
  qi_list_stretches(&row, first, firstCount, second, secondCount);
  const ptrdiff_t byteCount = 16 * ((firstCount + secondCount + 3) >> 2);
  const int8_t *weights = product->weights;
  ptrdiff_t channel = product->channels & ~(ptrdiff_t)7;
  if (channel > 0) {
    qi_row_times_pairs operands = {
      .stretches = row.list, .end = row.end, .biases = r->biases, .multipliers = r->multipliers, .shifts = r->shifts,
      .output = output, .pairs = channel >> 3, .weights = weights, .byteCount = byteCount, .zeroPoint = r->zeroPoint,
      .minimum = r->minimum, .maximum = r->maximum, .places = places};
    qi_one_row_of_pairs(&operands);
    weights += channel / 4 * byteCount;
  }
  for (; channel < product->channels; channel += 4) {
    int32_t sums[4];
    qi_load_biases(r, channel, sums);
    for (const qi_stretch *part = row.list; part < row.end; part += 1) {
      weights = addQuads(part->codes, weights, part->quads, sums);
    }
    const ptrdiff_t left = product->channels - channel;
    qi_vector_codes(r, channel, left < 4 ? left : 4, sums, output + channel);
  }
  return true;
}

#endif
