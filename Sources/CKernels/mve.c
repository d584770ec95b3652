// The kernels for processors with ARM's vector extension for microcontrollers (MVE, Helium): sixteen products of 8 bits an
// instruction.
//
// A block of weights is four channels' quads in turns. Read as words that belong to four vectors in turns, four quads
// become a vector of sixteen weights a channel; so codes stay bytes, in their own order.
#include "CKernels.h"

#if QI_DSP_KERNELS

#include "mve.h"

// MARK: - Sums

#if QI_HAS_MVE

// In assembly, as fourteen registers are just enough; r9 has the operands.
__attribute__((naked, noinline)) void qi_two_rows_of_codes(qi_two_rows_of_codes_operands *operands) {
  __asm__ volatile(
    "push {r4-r11, lr}\n"
    "vpush {d8-d15}\n"
    "mov r9, r0\n"
    "ldr r7, [r9, #56]\n"
    "vldrw.u32 q5, [r7]\n"
    "vmov.i32 q7, #0\n"
    // The biases, for both rows.
    "1: ldr r7, [r9, #16]\n"
    "ldm r7!, {r0, r2, r4, r6}\n"
    "str r7, [r9, #16]\n"
    "mov r8, r0\n"
    "mov r10, r2\n"
    "mov r12, r4\n"
    "mov lr, r6\n"
    "ldrd r1, r3, [r9]\n"
    "ldr r5, [r9, #36]\n"
    "ldr r7, [r9, #8]\n"
    "cbz r7, 3f\n"
    "add r7, r7, r5\n"
    // Sixteen inputs of both rows times those weights of four channels.
    "2: vldrb.u8 q4, [r1], #16\n"
    "vld40.32 {q0, q1, q2, q3}, [r5]\n"
    "vld41.32 {q0, q1, q2, q3}, [r5]\n"
    "vld42.32 {q0, q1, q2, q3}, [r5]\n"
    "vld43.32 {q0, q1, q2, q3}, [r5]!\n"
    "vmladava.s8 r0, q4, q0\n"
    "vmladava.s8 r2, q4, q1\n"
    "vmladava.s8 r4, q4, q2\n"
    "vmladava.s8 r6, q4, q3\n"
    "vldrb.u8 q4, [r3], #16\n"
    "vmladava.s8 r8, q4, q0\n"
    "vmladava.s8 r10, q4, q1\n"
    "vmladava.s8 r12, q4, q2\n"
    "vmladava.s8 lr, q4, q3\n"
    "cmp r5, r7\n"
    "bne 2b\n"
    // Up to three quads more.
    "3: ldr r7, [r9, #12]\n"
    "cbz r7, 4f\n"
    "vctp.32 r7\n"
    "vadd.i32 q6, q5, r5\n"
    "vpstttt\n"
    "vldrwt.u32 q0, [q6]\n"
    "vldrwt.u32 q1, [q6, #4]\n"
    "vldrwt.u32 q2, [q6, #8]\n"
    "vldrwt.u32 q3, [q6, #12]\n"
    "vpst\n"
    "vldrbt.u8 q4, [r1]\n"
    "vmladava.s8 r0, q4, q0\n"
    "vmladava.s8 r2, q4, q1\n"
    "vmladava.s8 r4, q4, q2\n"
    "vmladava.s8 r6, q4, q3\n"
    "vpst\n"
    "vldrbt.u8 q4, [r3]\n"
    "vmladava.s8 r8, q4, q0\n"
    "vmladava.s8 r10, q4, q1\n"
    "vmladava.s8 r12, q4, q2\n"
    "vmladava.s8 lr, q4, q3\n"
    "add r5, r5, r7, lsl #4\n"
    "4: str r5, [r9, #36]\n"
    "vmov q0[2], q0[0], r0, r4\n"
    "vmov q0[3], q0[1], r2, r6\n"
    "vmov q1[2], q1[0], r8, r12\n"
    "vmov q1[3], q1[1], r10, lr\n"
    // The codes: see qi_vector_codes.
    "ldr r7, [r9, #24]\n"
    "vldrb.s32 q2, [r7], #4\n"
    "str r7, [r9, #24]\n"
    "ldr r7, [r9, #20]\n"
    "vldrw.u32 q4, [r7], #16\n"
    "str r7, [r9, #20]\n"
    "vmax.s32 q3, q2, q7\n"
    "vmin.s32 q2, q2, q7\n"
    "vshl.s32 q0, q0, q3\n"
    "vshl.s32 q1, q1, q3\n"
    "vqrdmulh.s32 q0, q0, q4\n"
    "vqrdmulh.s32 q1, q1, q4\n"
    "vand q3, q0, q2\n"
    "vshr.s32 q3, q3, #31\n"
    "vqadd.s32 q0, q0, q3\n"
    "vand q3, q1, q2\n"
    "vshr.s32 q3, q3, #31\n"
    "vqadd.s32 q1, q1, q3\n"
    "vrshl.s32 q0, q0, q2\n"
    "vrshl.s32 q1, q1, q2\n"
    "ldrd r0, r2, [r9, #44]\n"
    "ldr r4, [r9, #52]\n"
    "vadd.i32 q0, q0, r0\n"
    "vadd.i32 q1, q1, r0\n"
    "vdup.32 q2, r2\n"
    "vdup.32 q3, r4\n"
    "vmax.s32 q0, q0, q2\n"
    "vmax.s32 q1, q1, q2\n"
    "vmin.s32 q0, q0, q3\n"
    "vmin.s32 q1, q1, q3\n"
    "ldrd r0, r2, [r9, #28]\n"
    "vstrb.32 q0, [r0], #4\n"
    "vstrb.32 q1, [r2], #4\n"
    "strd r0, r2, [r9, #28]\n"
    "ldr r7, [r9, #40]\n"
    "subs r7, r7, #1\n"
    "str r7, [r9, #40]\n"
    "bne.w 1b\n"
    "vpop {d8-d15}\n"
    "pop {r4-r11, pc}\n" ::: "memory");
}

// Sixteen inputs at a time, of one row.
__attribute__((naked, noinline)) void qi_one_row_by_sixteens(
  const int8_t *row, const int8_t *weights, const int8_t *end, int32_t sums[4]) {
  __asm__ volatile(
    "push {r4-r9, lr}\n"
    "vpush {d8, d9}\n"
    "subs lr, r2, r1\n"
    "lsr lr, lr, #6\n"
    "mov r9, r3\n"
    "ldm r9, {r2, r4, r6, r8}\n"
    "dls lr, lr\n"
    "1:\n"
    "vldrb.u8 q4, [r0], #16\n"
    "vld40.32 {q0, q1, q2, q3}, [r1]\n"
    "vld41.32 {q0, q1, q2, q3}, [r1]\n"
    "vld42.32 {q0, q1, q2, q3}, [r1]\n"
    "vld43.32 {q0, q1, q2, q3}, [r1]!\n"
    "vmladava.s8 r2, q4, q0\n"
    "vmladava.s8 r4, q4, q1\n"
    "vmladava.s8 r6, q4, q2\n"
    "vmladava.s8 r8, q4, q3\n"
    "le lr, 1b\n"
    "stm r9, {r2, r4, r6, r8}\n"
    "vpop {d8, d9}\n"
    "pop {r4-r9, pc}\n" ::: "memory");
}

// The words of a channel in up to three quads.
QI_INLINE int8x16_t fewWeights(const int8_t *weights, int channel, uint32x4_t places, mve_pred16_t words) {
  return vreinterpretq_s8_s32(vldrwq_gather_offset_z_s32((const int32_t *)weights + channel, places, words));
}

// Adds up to three quads of a row.
__attribute__((noinline)) static void fewQuads(
  const int8_t *row, const int8_t *weights, ptrdiff_t quads, int32_t sums[4]) {
  const mve_pred16_t words = vctp32q((uint32_t)quads);
  const int8x16_t codes = vldrbq_z_s8(row, vctp8q(4 * (uint32_t)quads));
  const uint32x4_t places = vshlq_n_u32(vidupq_n_u32(0, 4), 2);
  for (int channel = 0; channel < 4; channel += 1) {
    sums[channel] = vmladavaq_s8(sums[channel], codes, fewWeights(weights, channel, places, words));
  }
}

#else

static void rows(const int8_t *row, const int8_t *weights, const int8_t *end, int32_t sums[4]) {
  for (; weights < end; weights += 16, row += 4) {
    for (int index = 0; index < 16; index += 1) {
      sums[index >> 2] = (int32_t)((uint32_t)sums[index >> 2] + (uint32_t)(row[index & 3] * weights[index]));
    }
  }
}

void qi_two_rows_of_codes(qi_two_rows_of_codes_operands *operands) {
  const ptrdiff_t byteCount = operands->byteCount + 16 * operands->quads;
  for (; operands->blocks > 0; operands->blocks -= 1, operands->weights += byteCount) {
    for (int row = 0; row < 2; row += 1) {
      const qi_requantization r = {
        operands->biases, operands->multipliers, operands->shifts, operands->zeroPoint, operands->minimum,
        operands->maximum};
      int32_t sums[4];
      qi_load_biases(&r, 0, sums);
      rows(operands->rows[row], operands->weights, operands->weights + byteCount, sums);
      qi_vector_codes(&r, 0, 4, sums, operands->outputs[row]);
      operands->outputs[row] += 4;
    }
    operands->biases += 4;
    operands->multipliers += 4;
    operands->shifts += 4;
  }
}

void qi_one_row_by_sixteens(const int8_t *row, const int8_t *weights, const int8_t *end, int32_t sums[4]) {
  rows(row, weights, end, sums);
}

static void fewQuads(const int8_t *row, const int8_t *weights, ptrdiff_t quads, int32_t sums[4]) {
  rows(row, weights, weights + 16 * quads, sums);
}

#endif

// Adds whole quads of a row.
QI_INLINE const int8_t *addQuads(const int8_t *row, const int8_t *weights, ptrdiff_t quads, int32_t sums[4]) {
  const ptrdiff_t sixteens = quads & ~(ptrdiff_t)3;
  if (sixteens > 0) qi_one_row_by_sixteens(row, weights, weights + 16 * sixteens, sums);
  if (sixteens < quads) fewQuads(row + 4 * sixteens, weights + 16 * sixteens, quads - sixteens, sums);
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
  static const uint32_t places[4] = {0, 16, 32, 48};
  const qi_requantization *const r = &convolution->requantization;
  const int32_t groups = c->channels / c->groupChannels;
  const ptrdiff_t outputs = c->outputChannels / groups, blocks = outputs >> 2;
  const ptrdiff_t quads = (c->time.taps * c->frequency.taps * (ptrdiff_t)c->groupChannels + 3) >> 2;
  int32_t column = c->firstColumn, row = 0;
  for (int32_t left = c->cellCount; left > 0;) {
    const int32_t cells = left > 1 ? 2 : 1;
    const int8_t *weights = c->weights;
    for (int32_t group = 0; group < groups; group += 1) {
      int32_t cellColumn = column, cellRow = row;
      for (int32_t cell = 0; cell < cells; cell += 1) {
        qi_gather_bytes(c, cellColumn, cellRow, group * c->groupChannels, scratch + 4 * quads * cell);
        cellRow += 1;
        if (cellRow == c->outputRowCount) cellRow = 0, cellColumn += 1;
      }
      const ptrdiff_t channel = group * outputs;
      ptrdiff_t done = 0;
      if (cells == 2 && blocks > 0) {
        qi_two_rows_of_codes_operands operands = {
          .rows = {scratch, scratch + 4 * quads}, .byteCount = 16 * (quads & ~(ptrdiff_t)3), .quads = quads & 3,
          .biases = c->requantization.biases + channel, .multipliers = c->requantization.multipliers + channel,
          .shifts = c->requantization.shifts + channel,
          .outputs = {output + channel, output + c->outputChannels + channel}, .weights = weights, .blocks = blocks,
          .zeroPoint = c->requantization.zeroPoint, .minimum = c->requantization.minimum,
          .maximum = c->requantization.maximum, .places = places};
        qi_two_rows_of_codes(&operands);
        done = 4 * blocks;
      }
      const int8_t *const rest = weights + 4 * quads * done;
      for (int32_t cell = 0; cell < cells && done < outputs; cell += 1) {
        oneRow(
          r, scratch + 4 * quads * cell, quads, rest, channel + done, channel + outputs,
          output + cell * (ptrdiff_t)c->outputChannels);
      }
      weights += (outputs + 3) / 4 * 16 * quads;
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
  // A quad on the border of the two, and the last one, filled up with zeros.
  _Alignas(4) int8_t quads[8] = {0};
  ptrdiff_t taken = 0;
  for (ptrdiff_t index = firstCount & ~(ptrdiff_t)3; index < firstCount; index += 1) quads[index & 3] = first[index];
  if ((firstCount & 3) != 0) {
    for (; taken < secondCount && ((firstCount + taken) & 3) != 0; taken += 1) {
      quads[(firstCount + taken) & 3] = second[taken];
    }
  }
  second += taken;
  secondCount -= taken;
  for (ptrdiff_t index = secondCount & ~(ptrdiff_t)3; index < secondCount; index += 1) {
    quads[4 + (index & 3)] = second[index];
  }
  const int8_t *weights = product->weights;
  for (ptrdiff_t channel = 0; channel < product->channels; channel += 4) {
    int32_t sums[4];
    qi_load_biases(&product->requantization, channel, sums);
    weights = addQuads(first, weights, firstCount >> 2, sums);
    if ((firstCount & 3) != 0) weights = addQuads(quads, weights, 1, sums);
    weights = addQuads(second, weights, secondCount >> 2, sums);
    if ((secondCount & 3) != 0) weights = addQuads(quads + 4, weights, 1, sums);
    const ptrdiff_t left = product->channels - channel;
    qi_vector_codes(&product->requantization, channel, left < 4 ? left : 4, sums, output + channel);
  }
  return true;
}

#endif
