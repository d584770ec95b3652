// The inner loops for processors with ARM's DSP extension: two products of 16 bits an instruction.
//
// A word of four weights gives two words of 16 bits each, its even and its odd bytes. So rows have their quads in the
// order 0, 2, 1, 3: a quad of one channel takes two SXTB16 and, each row, two SMLAD.
#include "CKernels.h"

#if QI_DSP_KERNELS

#include "dsp.h"
#include "stretches.h"

// MARK: - Rows

void qi_put_quads(const int8_t *codes, ptrdiff_t quads, qi_pair *quad, ptrdiff_t step) {
  // Once in the loop's body: twice, and the compiler would make a function of it.
#pragma clang loop unroll(disable)
  for (; quads > 0; quads -= 1, codes += 4, quad += step) {
    const int32_t word = qi_load4(codes);
    quad[0] = qi_sxtb16(word);
    quad[1] = qi_sxtb16_odd(word);
  }
}

// MARK: - Sums

#if QI_HAS_DSP

// Whole functions in assembly: fourteen registers are just enough. Each finds what it has no register for behind sp.

__attribute__((naked, noinline)) void qi_two_rows(const qi_rows_times_channels *operands) {
  __asm__ volatile(
    // Four inputs of two rows times those weights of two channels.
    ".macro qi_quad\n"
    "ldm r0!, {r8, r9, r10, r11}\n"
    "ldrd r3, r12, [r1], #16\n"
    "sxtb16 lr, r3\n"
    "smlad r4, r8, lr, r4\n"
    "smlad r6, r10, lr, r6\n"
    "sxtb16 r3, r3, ror #8\n"
    "smlad r4, r9, r3, r4\n"
    "smlad r6, r11, r3, r6\n"
    "sxtb16 lr, r12\n"
    "smlad r5, r8, lr, r5\n"
    "smlad r7, r10, lr, r7\n"
    "sxtb16 r12, r12, ror #8\n"
    "smlad r5, r9, r12, r5\n"
    "smlad r7, r11, r12, r7\n"
    ".endm\n"
    // A sum as a code: see qi_short_code.
    ".macro qi_code sum, multiplier, half, shift\n"
    "smmlar \\sum, \\sum, \\multiplier, \\sum\n"
    "add \\sum, \\sum, \\sum, asr #31\n"
    "qadd \\sum, \\sum, \\half\n"
    "asr \\sum, \\sum, \\shift\n"
    "ssat \\sum, #8, \\sum, asr #1\n"
    ".endm\n"
    "push {r4-r11, lr}\n"
    "sub sp, sp, #52\n"
    "ldm r0!, {r1-r7}\n"
    // Four quads a round; the first round may be shorter, and so begin at a later quad of 56 bytes.
    "rsb r8, r2, #0\n"
    "ubfx r8, r8, #4, #2\n"
    "mov r9, #56\n"
    "adr.w r10, 2f\n"
    "mla r3, r8, r9, r10\n"
    "orr r3, r3, #1\n"
    "stm sp, {r1-r7}\n"
    "ldm r0, {r2-r7}\n"
    "add r12, sp, #28\n"
    "stm r12, {r2-r6}\n"
    "mov r1, r7\n"
    "1:\n"
    "ldm sp, {r0, r2, r3, r12}\n"
    "ldrd r4, r5, [r12], #8\n"
    "str r12, [sp, #12]\n"
    "add r2, r2, r1\n"
    "mov r6, r4\n"
    "mov r7, r5\n"
    "bx r3\n"
    ".p2align 2\n"
    "2:\n"
    "qi_quad\n"
    "qi_quad\n"
    "qi_quad\n"
    "qi_quad\n"
    "cmp r1, r2\n"
    "bne 2b\n"
    "ldrd r2, r3, [sp, #16]\n"
    "ldrd r12, lr, [sp, #24]\n"
    "ldrd r8, r9, [r2], #8\n"
    "ldrh r10, [r3], #2\n"
    "strd r2, r3, [sp, #16]\n"
    "cmp r2, lr\n"  // The last two channels? Nothing sets the flags from here on.
    // Of a register that says how far to shift, the lowest byte counts.
    "mvn r10, r10\n"
    "lsr r11, r10, #8\n"
    "lsl lr, r12, r10\n"
    "lsl r12, r12, r11\n"
    "lsl r8, r8, #1\n"
    "lsl r9, r9, #1\n"
    "qi_code r4, r8, lr, r10\n"
    "qi_code r6, r8, lr, r10\n"
    "qi_code r5, r9, r12, r11\n"
    "qi_code r7, r9, r12, r11\n"
    "ldrd r2, r3, [sp, #32]\n"
    "bfi r4, r5, #8, #8\n"
    "bfi r6, r7, #8, #8\n"
    "strh r6, [r2, r3]\n"
    "strh r4, [r2], #2\n"
    "str r2, [sp, #32]\n"
    // The other two channels of the block lie 8 bytes on, the next block's behind them.
    "ldrd r2, r3, [sp, #40]\n"
    "add r1, r1, r2\n"
    "strd r3, r2, [sp, #40]\n"
    "bne 1b\n"
    "add sp, sp, #52\n"
    "pop {r4-r11, pc}\n"
    ".purgem qi_quad\n"
    ".purgem qi_code\n");
}

#define QI_LOAD_QUADS "ldm r1!, {r8, r9, r10, r11}\n"

// A quad of a row, its even inputs in r12 and its odd ones in lr, times those weights of four channels.
#define QI_QUAD_TIMES_FOUR      \
  "sxtb16 r3, r8\n"             \
  "smlad r4, r12, r3, r4\n"     \
  "sxtb16 r3, r9\n"             \
  "smlad r5, r12, r3, r5\n"     \
  "sxtb16 r3, r10\n"            \
  "smlad r6, r12, r3, r6\n"     \
  "sxtb16 r3, r11\n"            \
  "smlad r7, r12, r3, r7\n"     \
  "sxtb16 r8, r8, ror #8\n"     \
  "smlad r4, lr, r8, r4\n"      \
  "sxtb16 r9, r9, ror #8\n"     \
  "smlad r5, lr, r9, r5\n"      \
  "sxtb16 r10, r10, ror #8\n"   \
  "smlad r6, lr, r10, r6\n"     \
  "sxtb16 r11, r11, ror #8\n"   \
  "smlad r7, lr, r11, r7\n"

__attribute__((naked, noinline)) void qi_one_row(const qi_rows_times_channels *operands) {
  __asm__ volatile(
    ".macro qi_quad\n"
    QI_LOAD_QUADS
    "ldrd r12, lr, [r0], #8\n"
    QI_QUAD_TIMES_FOUR
    ".endm\n"
    // A sum as a code: see qi_short_code. The lowest byte of r12 says how far to shift.
    ".macro qi_code sum, multiplier\n"
    "lsl \\multiplier, \\multiplier, #1\n"
    "lsl r3, lr, r12\n"
    "smmlar \\sum, \\sum, \\multiplier, \\sum\n"
    "add \\sum, \\sum, \\sum, asr #31\n"
    "qadd \\sum, \\sum, r3\n"
    "asr \\sum, \\sum, r12\n"
    "ssat \\sum, #8, \\sum, asr #1\n"
    "lsr r12, r12, #8\n"
    ".endm\n"
    "push {r4-r11, lr}\n"
    "sub sp, sp, #36\n"
    "ldm r0!, {r1-r7}\n"
    // Two quads a round; the first round may be one of 72 bytes.
    "ubfx r8, r2, #4, #1\n"
    "add r8, r8, r8, lsl #3\n"
    "adr.w r3, 2f\n"
    "add r3, r3, r8, lsl #3\n"
    "orr r3, r3, #1\n"
    "stm sp, {r1-r7}\n"
    "ldrd r2, r3, [r0]\n"
    "strd r2, r3, [sp, #28]\n"
    "ldr r1, [r0, #20]\n"
    "1:\n"
    "ldm sp, {r0, r2, r3, r12}\n"
    "ldm r12!, {r4, r5, r6, r7}\n"
    "str r12, [sp, #12]\n"
    "add r2, r2, r1\n"
    "bx r3\n"
    ".p2align 2\n"
    "2:\n"
    "qi_quad\n"
    "qi_quad\n"
    "cmp r1, r2\n"
    "bne 2b\n"
    "ldrd r2, r3, [sp, #16]\n"
    "ldm r2!, {r8, r9, r10, r11}\n"
    "ldr r12, [r3], #4\n"
    "strd r2, r3, [sp, #16]\n"
    "ldrd lr, r0, [sp, #24]\n"
    "cmp r2, r0\n"  // The last channels? Nothing sets the flags from here on.
    "mvn r12, r12\n"
    "qi_code r4, r8\n"
    "qi_code r5, r9\n"
    "qi_code r6, r10\n"
    "qi_code r7, r11\n"
    "bfi r4, r5, #8, #8\n"
    "bfi r4, r6, #16, #8\n"
    "bfi r4, r7, #24, #8\n"
    "ldr r3, [sp, #32]\n"
    "str r4, [r3], #4\n"
    "str r3, [sp, #32]\n"
    "bne 1b\n"
    "add sp, sp, #36\n"
    "pop {r4-r11, pc}\n"
    ".purgem qi_quad\n"
    ".purgem qi_code\n");
}

__attribute__((naked, noinline)) void qi_one_row_of_codes(
  const int8_t *row, const int8_t *weights, const int8_t *end, int32_t sums[4]) {
  __asm__ volatile(
    ".macro qi_quad\n"
    QI_LOAD_QUADS
    "ldr lr, [r0], #4\n"
    "sxtb16 r12, lr\n"
    "sxtb16 lr, lr, ror #8\n"
    QI_QUAD_TIMES_FOUR
    ".endm\n"
    "push {r3-r11, lr}\n"
    "ldm r3, {r4, r5, r6, r7}\n"
    "sub r8, r2, r1\n"
    "lsls r9, r8, #27\n"
    "bmi 2f\n"
    "1:\n"
    "qi_quad\n"
    "2:\n"
    "qi_quad\n"
    "cmp r1, r2\n"
    "bne 1b\n"
    "pop {r3}\n"
    "stm r3, {r4, r5, r6, r7}\n"
    "pop {r4-r11, pc}\n"
    ".purgem qi_quad\n");
}

#else

// A channel that is none that `qi_is_short` gets any code.
static int8_t shortCode(const qi_rows_times_channels *operands, ptrdiff_t channel, int32_t sum) {
  const int32_t shift = operands->shifts[channel];
  return (int8_t)qi_ssat8(
    qi_short_code(sum, operands->multipliers[channel], shift < 0 ? shift : -1, operands->zeroPoint));
}

void qi_two_rows(const qi_rows_times_channels *operands) {
  const int8_t *weights = operands->weights;
  ptrdiff_t steps[2] = {operands->step, operands->nextStep};
  int8_t *output = operands->output;
  for (ptrdiff_t channel = 0; operands->multipliers + channel < operands->end; channel += 1, output += 1) {
    for (int row = 0; row < 2; row += 1) {
      const int16_t *quad = operands->rows + 4 * row;
      int32_t sum = operands->biases[channel];
      for (ptrdiff_t byte = 4 * (channel & 1); byte < operands->byteCount; byte += 16, quad += 8) {
        sum = qi_dot(sum, qi_load4(quad), qi_load4(quad + 2), weights + byte);
      }
      output[row * operands->outputStride] = shortCode(operands, channel, sum);
    }
    if (channel & 1) weights += operands->byteCount + steps[channel >> 1 & 1];
  }
}

void qi_one_row(const qi_rows_times_channels *operands) {
  const int8_t *weights = operands->weights;
  for (ptrdiff_t channel = 0; operands->multipliers + channel < operands->end; channel += 1) {
    const int16_t *quad = operands->rows;
    int32_t sum = operands->biases[channel];
    for (ptrdiff_t byte = 4 * (channel & 3); byte < operands->byteCount; byte += 16, quad += 4) {
      sum = qi_dot(sum, qi_load4(quad), qi_load4(quad + 2), weights + byte);
    }
    operands->output[channel] = shortCode(operands, channel, sum);
    if ((channel & 3) == 3) weights += operands->byteCount;
  }
}

void qi_one_row_of_codes(const int8_t *row, const int8_t *weights, const int8_t *end, int32_t sums[4]) {
  for (; weights < end; weights += 16, row += 4) {
    const int32_t word = qi_load4(row);
    for (int channel = 0; channel < 4; channel += 1) {
      sums[channel] = qi_dot(sums[channel], qi_sxtb16(word), qi_sxtb16_odd(word), weights + 4 * channel);
    }
  }
}

#endif

// MARK: - Codes

// The requantization of CKernels.h to the letter, of a sum with its bias.
__attribute__((noinline)) static int32_t anyCode(const qi_requantization *r, ptrdiff_t channel, int32_t sum) {
  const int32_t shift = r->shifts[channel];
  const int32_t shifted = (int32_t)((uint32_t)sum << (shift > 0 ? shift : 0));
  const int64_t product = (int64_t)shifted * r->multipliers[channel];
  const int32_t high = (int32_t)((product + (1ll << 30)) >> 31);
  const int32_t right = shift < 0 ? -shift : 0;
  const int32_t mask = (int32_t)((1u << right) - 1);
  const int32_t scaled = (high >> right) + ((high & mask) > (mask >> 1) + (high < 0));
  return (int32_t)((uint32_t)scaled + (uint32_t)r->zeroPoint);
}

int8_t qi_code(const qi_requantization *r, ptrdiff_t channel, int32_t sum) {
  int8_t code;
  qi_codes(r, channel, 1, &sum, &code);
  return code;
}

void qi_codes(const qi_requantization *r, ptrdiff_t channel, ptrdiff_t count, const int32_t *sums, int8_t *output) {
  const int32_t zeroPoint = 2 * r->zeroPoint + 1, minimum = r->minimum, maximum = r->maximum;
#pragma clang loop unroll(disable)
  for (const ptrdiff_t end = channel + count; channel < end; channel += 1, sums += 1, output += 1) {
    const int32_t code = qi_is_short(r, channel)
      ? qi_short_code(*sums, r->multipliers[channel], r->shifts[channel], zeroPoint) : anyCode(r, channel, *sums);
    *output = (int8_t)(code < minimum ? minimum : code > maximum ? maximum : code);
  }
}

void qi_limit(const qi_requantization *r, int8_t *codes, ptrdiff_t count) {
#pragma clang loop unroll(disable)
  for (; count > 0; count -= 1, codes += 1) {
    *codes = (int8_t)(*codes < r->minimum ? r->minimum : *codes > r->maximum ? r->maximum : *codes);
  }
}

// MARK: - Fully connected

// The channels from which on it pays to widen a row once for all: a block.
enum { severalChannels = 4 };

// Computes the first channels, in whole blocks, by a row that is widened in the scratch; returns how many: all blocks, or none
// where a channel is none that `qi_is_short`.
static ptrdiff_t computeWidened(
  const qi_matrix_product *product, const qi_stretches *row, int16_t *scratch, int8_t *output) {
  const qi_requantization *const r = &product->requantization;
  for (ptrdiff_t channel = 0; channel < product->channels; channel += 1) {
    if (!qi_is_short(r, channel)) return 0;
  }
  const ptrdiff_t together = product->channels & ~(ptrdiff_t)3;
  qi_pair *next = (qi_pair *)scratch;
  for (const qi_stretch *part = row->list; part < row->end; part += 1) {
    qi_put_quads(part->codes, part->quads, next, 2);
    next += 2 * part->quads;
  }
  const qi_rows_times_channels operands = {
    .rows = scratch, .byteCount = 8 * (next - (qi_pair *)scratch), .biases = r->biases, .multipliers = r->multipliers,
    .shifts = r->shifts, .zeroPoint = 2 * r->zeroPoint + 1, .end = r->multipliers + together, .output = output,
    .weights = product->weights};
  qi_one_row(&operands);
  if (r->minimum > -128 || r->maximum < 127) qi_limit(r, output, together);
  return together;
}

bool qi_fully_connected_dsp(
  const qi_matrix_product *product, const int8_t *first, ptrdiff_t firstCount, const int8_t *second,
  ptrdiff_t secondCount, int16_t *scratch, int8_t *output) {
  if (((uintptr_t)product->weights | (uintptr_t)scratch) % 4 != 0 || firstCount + secondCount < 1) return false;
  qi_stretches row;
  qi_list_stretches(&row, first, firstCount, second, secondCount);
  ptrdiff_t channel = 0;
  if (scratch != NULL && product->channels >= severalChannels) channel = computeWidened(product, &row, scratch, output);
  const int8_t *weights = product->weights + 4 * channel * ((firstCount + secondCount + 3) >> 2);
  for (; channel < product->channels; channel += 4) {
    int32_t sums[4];
    for (int index = 0; index < 4; index += 1) sums[index] = product->requantization.biases[channel + index];
    for (const qi_stretch *part = row.list; part < row.end; part += 1) {
      const int8_t *const end = weights + 16 * part->quads;
      qi_one_row_of_codes(part->codes, weights, end, sums);
      weights = end;
    }
    const ptrdiff_t left = product->channels - channel;
    qi_codes(&product->requantization, channel, left < 4 ? left : 4, sums, output + channel);
  }
  return true;
}

#endif
