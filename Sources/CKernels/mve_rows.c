// Rows times blocks of weights in ARM's vector extension for microcontrollers (MVE, Helium): sixteen products of 8 bits an
// instruction; see mve.h.
//
// A block of weights is four channels' quads in turns. Read as words that belong to four vectors in turns, four quads
// become a vector of sixteen weights a channel; so codes stay bytes, in their own order.
#include "CKernels.h"

#if QI_DSP_KERNELS

#include "mve.h"

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

// In assembly likewise. The sums of a row and eight channels are in the even registers, r9 has the operands, r11 the next
// stretch, r1 its codes, r3 and r5 the weights of both blocks.
__attribute__((naked, noinline)) void qi_one_row_of_pairs(qi_row_times_pairs *operands) {
  __asm__ volatile(
    // Sixteen inputs times those weights of eight channels.
    ".macro qi_sixteen\n"
    "vldrb.u8 q4, [r1], #16\n"
    "vld40.32 {q0, q1, q2, q3}, [r3]\n"
    "vld41.32 {q0, q1, q2, q3}, [r3]\n"
    "vld42.32 {q0, q1, q2, q3}, [r3]\n"
    "vld43.32 {q0, q1, q2, q3}, [r3]!\n"
    "vmladava.s8 r0, q4, q0\n"
    "vmladava.s8 r2, q4, q1\n"
    "vmladava.s8 r4, q4, q2\n"
    "vmladava.s8 r6, q4, q3\n"
    "vld40.32 {q0, q1, q2, q3}, [r5]\n"
    "vld41.32 {q0, q1, q2, q3}, [r5]\n"
    "vld42.32 {q0, q1, q2, q3}, [r5]\n"
    "vld43.32 {q0, q1, q2, q3}, [r5]!\n"
    "vmladava.s8 r8, q4, q0\n"
    "vmladava.s8 r10, q4, q1\n"
    "vmladava.s8 r12, q4, q2\n"
    "vmladava.s8 lr, q4, q3\n"
    ".endm\n"
    // Up to three quads, the codes in q4 and their number in the predicate, times those weights of four channels.
    ".macro qi_few weights, a, b, c, d\n"
    "vldrw.u32 q3, [r7]\n"
    "vadd.i32 q3, q3, \\weights\n"
    "vpsttt\n"
    "vldrwt.u32 q0, [q3]\n"
    "vldrwt.u32 q1, [q3, #4]\n"
    "vldrwt.u32 q2, [q3, #8]\n"
    "vmladava.s8 \\a, q4, q0\n"
    "vpst\n"
    "vldrwt.u32 q0, [q3, #12]\n"
    "vmladava.s8 \\b, q4, q1\n"
    "vmladava.s8 \\c, q4, q2\n"
    "vmladava.s8 \\d, q4, q0\n"
    ".endm\n"
    // The codes of four sums: see qi_vector_codes. r6 has the shifts, r4 the multipliers, r2 the zero point, r0 the output.
    ".macro qi_codes sums\n"
    "vldrb.s32 q2, [r6], #4\n"
    "vmax.s32 q3, q2, q5\n"
    "vldrw.u32 q4, [r4], #16\n"
    "vmin.s32 q2, q2, q5\n"
    "vshl.s32 \\sums, \\sums, q3\n"
    "vqrdmulh.s32 \\sums, \\sums, q4\n"
    "vand q3, \\sums, q2\n"
    "vshr.s32 q3, q3, #31\n"
    "vqadd.s32 \\sums, \\sums, q3\n"
    "vrshl.s32 \\sums, \\sums, q2\n"
    "vadd.i32 \\sums, \\sums, r2\n"
    "vmax.s32 \\sums, \\sums, q6\n"
    "vmin.s32 \\sums, \\sums, q7\n"
    "vstrb.32 \\sums, [r0], #4\n"
    ".endm\n"
    "push {r4-r11, lr}\n"
    "vpush {d8-d15}\n"
    "mov r9, r0\n"
    "ldrd r5, r7, [r9, #40]\n"
    "vmov.i32 q5, #0\n"
    "vdup.32 q6, r5\n"
    "vdup.32 q7, r7\n"
    "ldr r5, [r9, #28]\n"
    "1: ldr r7, [r9, #8]\n"
    "ldm r7!, {r0, r2, r4, r6, r8, r10, r12, lr}\n"
    "str r7, [r9, #8]\n"
    "ldr r7, [r9, #32]\n"
    "mov r3, r5\n"
    "add r5, r5, r7\n"
    "ldr r11, [r9]\n"
    "2: ldrd r1, r7, [r11], #8\n"
    "subs r7, r7, #16\n"
    "blo 4f\n"
    "3:\n"
    "qi_sixteen\n"
    "qi_sixteen\n"
    "qi_sixteen\n"
    "qi_sixteen\n"
    "subs r7, r7, #16\n"
    "bhs 3b\n"
    "4: adds r7, r7, #12\n"
    "bmi 6f\n"
    "5:\n"
    "qi_sixteen\n"
    "subs r7, r7, #4\n"
    "bpl 5b\n"
    "6: adds r7, r7, #4\n"
    "beq 7f\n"
    "vctp.32 r7\n"
    "vpst\n"
    "vldrbt.u8 q4, [r1]\n"
    "lsl r1, r7, #4\n"
    "ldr r7, [r9, #48]\n"
    "qi_few r3, r0, r2, r4, r6\n"
    "qi_few r5, r8, r10, r12, lr\n"
    "add r3, r3, r1\n"
    "add r5, r5, r1\n"
    "7: ldr r7, [r9, #4]\n"
    "cmp r11, r7\n"
    "bne.w 2b\n"
    "vmov q0[2], q0[0], r0, r4\n"
    "vmov q0[3], q0[1], r2, r6\n"
    "vmov q1[2], q1[0], r8, r12\n"
    "vmov q1[3], q1[1], r10, lr\n"
    "ldrd r4, r6, [r9, #12]\n"
    "ldrd r0, r7, [r9, #20]\n"
    "ldr r2, [r9, #36]\n"
    "qi_codes q0\n"
    "qi_codes q1\n"
    "strd r4, r6, [r9, #12]\n"
    "subs r7, r7, #1\n"
    "strd r0, r7, [r9, #20]\n"
    "bne.w 1b\n"
    "vpop {d8-d15}\n"
    "pop {r4-r11, pc}\n"
    ".purgem qi_sixteen\n"
    ".purgem qi_few\n"
    ".purgem qi_codes\n" ::: "memory");
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

void qi_few_quads(
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

void qi_one_row_of_pairs(qi_row_times_pairs *operands) {
  for (ptrdiff_t channel = 0; channel < 8 * operands->pairs; channel += 4) {
    const qi_requantization r = {
      operands->biases, operands->multipliers, operands->shifts, operands->zeroPoint, operands->minimum,
      operands->maximum};
    const int8_t *weights = operands->weights + channel / 4 * operands->byteCount;
    int32_t sums[4];
    qi_load_biases(&r, channel, sums);
    for (const qi_stretch *stretch = operands->stretches; stretch < operands->end; stretch += 1) {
      rows(stretch->codes, weights, weights + 16 * stretch->quads, sums);
      weights += 16 * stretch->quads;
    }
    qi_vector_codes(&r, channel, 4, sums, operands->output + channel);
  }
}

void qi_one_row_by_sixteens(const int8_t *row, const int8_t *weights, const int8_t *end, int32_t sums[4]) {
  rows(row, weights, end, sums);
}

void qi_few_quads(const int8_t *row, const int8_t *weights, ptrdiff_t quads, int32_t sums[4]) {
  rows(row, weights, weights + 16 * quads, sums);
}

#endif

#endif
