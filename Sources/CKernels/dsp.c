// The kernels for processors with ARM's DSP extension: two products of 16 bits an instruction.
//
// A word of four weights gives two words of 16 bits each, its even and its odd bytes. So rows have their quads in the
// order 0, 2, 1, 3: a quad of one channel takes two SXTB16 and, each row, two SMLAD.
#include "CKernels.h"

#if QI_DSP_KERNELS

#include "dsp.h"

// MARK: - Rows

// The place in a row of its input `index`.
QI_INLINE ptrdiff_t paired(ptrdiff_t index, ptrdiff_t step) {
  return (index >> 2) * step + ((index & 1) << 1 | (index >> 1 & 1));
}

void qi_pair(const int8_t *codes, ptrdiff_t count, int16_t *row, ptrdiff_t step, ptrdiff_t first) {
  ptrdiff_t index = 0;
  if ((first & 3) == 0) {
    int16_t *quad = row + (first >> 2) * step;
#pragma clang loop unroll(disable)
    for (; index + 4 <= count; index += 4, quad += step) {
      const int32_t word = qi_load4(codes + index);
      qi_store4(quad, qi_sxtb16(word));
      qi_store4(quad + 2, qi_sxtb16_odd(word));
    }
  }
#pragma clang loop unroll(disable)
  for (; index < count; index += 1) row[paired(first + index, step)] = codes[index];
}

void qi_pair_columns(
  const int8_t *base, ptrdiff_t columnCount, ptrdiff_t capacity, ptrdiff_t place, ptrdiff_t distance, ptrdiff_t taps,
  int16_t *row, ptrdiff_t step) {
  for (ptrdiff_t tap = 0; tap < taps; tap += 1) {
    qi_pair(base + place * columnCount, columnCount, row, step, tap * columnCount);
    place += distance;
    if (place >= capacity) place -= capacity;
  }
}

void qi_pair_fill(int16_t code, ptrdiff_t count, int16_t *row, ptrdiff_t step, ptrdiff_t first) {
#pragma clang loop unroll(disable)
  for (ptrdiff_t index = 0; index < count; index += 1) row[paired(first + index, step)] = code;
}

// MARK: - Sums

#if QI_HAS_DSP

// Whole functions in assembly: fourteen registers are just enough.

__attribute__((naked, noinline)) bool qi_two_by_two(
  const int16_t *rows, const int8_t *weights, const int8_t *end, const qi_two_channels *channels, int8_t *outputs,
  ptrdiff_t outputStride) {
  __asm__ volatile(
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
    // A sum as a code; r8, r9 and r10 are multiplier, half and shift.
    ".macro qi_code sum\n"
    "adds \\sum, \\sum, \\sum\n"
    "bvs 5f\n"
    "smmulr \\sum, \\sum, r8\n"
    "add \\sum, \\sum, \\sum, asr #31\n"
    "add \\sum, \\sum, r9\n"
    "asr \\sum, \\sum, r10\n"
    "ssat \\sum, #8, \\sum\n"
    ".endm\n"
    "push {r3-r11, lr}\n"
    "ldrd r4, r5, [r3]\n"
    "mov r6, r4\n"
    "mov r7, r5\n"
    // Four quads a round; the first round may be shorter.
    "sub r8, r2, r1\n"
    "lsls r9, r8, #27\n"
    "bpl 6f\n"
    "lsls r9, r8, #26\n"
    "bmi 2f\n"  // three more
    "b 4f\n"    // one more
    "6: lsls r9, r8, #26\n"
    "bmi 3f\n"  // two more
    "1: qi_quad\n"
    "2: qi_quad\n"
    "3: qi_quad\n"
    "4: qi_quad\n"
    "cmp r1, r2\n"
    "blo 1b\n"
    "pop {r3}\n"
    "ldrd r12, lr, [sp, #36]\n"
    "adds r3, r3, #8\n"
    "ldm r3!, {r8, r9, r10}\n"
    "qi_code r4\n"
    "qi_code r6\n"
    "ldm r3, {r8, r9, r10}\n"
    "qi_code r5\n"
    "qi_code r7\n"
    "strb r4, [r12]\n"
    "strb r5, [r12, #1]\n"
    "strb r6, [r12, lr]\n"
    "add r12, r12, lr\n"
    "strb r7, [r12, #1]\n"
    "movs r0, #0\n"
    "pop {r4-r11, pc}\n"
    "5: movs r0, #1\n"
    "pop {r4-r11, pc}\n"
    ".purgem qi_quad\n"
    ".purgem qi_code\n");
}

__attribute__((naked, noinline)) void qi_one_by_four(
  const int16_t *row, const int8_t *weights, const int8_t *end, int32_t sums[4]) {
  __asm__ volatile(
    ".macro qi_quad\n"
    "ldm r1!, {r8, r9, r10, r11}\n"
    "ldrd r12, lr, [r0], #8\n"
    "sxtb16 r3, r8\n"
    "smlad r4, r12, r3, r4\n"
    "sxtb16 r3, r9\n"
    "smlad r5, r12, r3, r5\n"
    "sxtb16 r3, r10\n"
    "smlad r6, r12, r3, r6\n"
    "sxtb16 r3, r11\n"
    "smlad r7, r12, r3, r7\n"
    "sxtb16 r8, r8, ror #8\n"
    "smlad r4, lr, r8, r4\n"
    "sxtb16 r9, r9, ror #8\n"
    "smlad r5, lr, r9, r5\n"
    "sxtb16 r10, r10, ror #8\n"
    "smlad r6, lr, r10, r6\n"
    "sxtb16 r11, r11, ror #8\n"
    "smlad r7, lr, r11, r7\n"
    ".endm\n"
    "push {r3-r11, lr}\n"
    "ldm r3, {r4, r5, r6, r7}\n"
    "sub r8, r2, r1\n"
    "lsls r8, r8, #27\n"
    "bmi 2f\n"
    "1: qi_quad\n"
    "2: qi_quad\n"
    "cmp r1, r2\n"
    "blo 1b\n"
    "pop {r3}\n"
    "stm r3, {r4, r5, r6, r7}\n"
    "pop {r4-r11, pc}\n"
    ".purgem qi_quad\n");
}

#else

static int32_t dot(int32_t sum, const int16_t *row, const int8_t *weights) {
  const int32_t word = qi_load4(weights);
  return qi_smlad(qi_load4(row + 2), qi_sxtb16_odd(word), qi_smlad(qi_load4(row), qi_sxtb16(word), sum));
}

bool qi_two_by_two(
  const int16_t *rows, const int8_t *weights, const int8_t *end, const qi_two_channels *channels, int8_t *outputs,
  ptrdiff_t outputStride) {
  for (int channel = 0; channel < 2; channel += 1) {
    for (int row = 0; row < 2; row += 1) {
      int32_t sum = channels->biases[channel];
      for (ptrdiff_t quad = 0; weights + 16 * quad < end; quad += 1) {
        sum = dot(sum, rows + 8 * quad + 4 * row, weights + 16 * quad + 4 * channel);
      }
      int32_t doubled;
      if (__builtin_add_overflow(sum, sum, &doubled)) return true;
      const int32_t high = qi_smmulr(doubled, channels->scales[channel].multiplier);
      const int32_t code = (high + (high >> 31) + channels->scales[channel].half) >> channels->scales[channel].shift;
      outputs[row * outputStride + channel] = (int8_t)qi_ssat8(code);
    }
  }
  return false;
}

void qi_one_by_four(const int16_t *row, const int8_t *weights, const int8_t *end, int32_t sums[4]) {
  for (; weights < end; weights += 16, row += 4) {
    for (int channel = 0; channel < 4; channel += 1) sums[channel] = dot(sums[channel], row, weights + 4 * channel);
  }
}

#endif

// MARK: - Codes

// Whether the short way of scaling does: to the right, and so little that the zero point can be added before.
QI_INLINE bool isShort(int32_t shift) { return (uint32_t)(-1 - shift) <= 21; }

// The zero point and half of the last place, before a shift to the right.
QI_INLINE int32_t half(const qi_requantization *r, int32_t right) {
  return (int32_t)((uint32_t)(2 * r->zeroPoint + 1) << right) >> 1;
}

QI_INLINE int32_t limited(const qi_requantization *r, int32_t code) {
  return code < r->minimum ? r->minimum : code > r->maximum ? r->maximum : code;
}

// The requantization of CKernels.h to the letter, of a sum with its bias.
__attribute__((noinline)) static int32_t anyCode(const qi_requantization *r, ptrdiff_t channel, int32_t sum) {
  const int32_t shift = r->shifts[channel];
  const int32_t shifted = (int32_t)((uint32_t)sum << (shift > 0 ? shift : 0));
  const int64_t product = (int64_t)shifted * r->multipliers[channel];
  const int32_t high = (int32_t)((product + (1ll << 30)) >> 31);
  const int32_t right = shift < 0 ? -shift : 0;
  const int32_t mask = (int32_t)((1u << right) - 1);
  const int32_t scaled = (high >> right) + ((high & mask) > (mask >> 1) + (high < 0));
  return limited(r, (int32_t)((uint32_t)scaled + (uint32_t)r->zeroPoint));
}

// The code of a sum with its bias, by the short way where it does.
QI_INLINE int32_t code(const qi_requantization *r, ptrdiff_t channel, int32_t sum) {
  const int32_t shift = r->shifts[channel];
  int32_t doubled;
  if (__builtin_expect(!isShort(shift) || __builtin_add_overflow(sum, sum, &doubled), 0)) {
    return anyCode(r, channel, sum);
  }
  const int32_t high = qi_smmulr(doubled, r->multipliers[channel]);
  return limited(r, (high + (high >> 31) + half(r, -shift)) >> -shift);
}

// The codes of four sums, or of as many as there are channels left.
QI_INLINE void codes(const qi_requantization *r, ptrdiff_t channel, ptrdiff_t left, const int32_t *sums, int8_t *output) {
  const qi_requantization constants = *r;
  for (int index = 0; index < 4; index += 1) {
    if (index < left) output[index] = (int8_t)code(&constants, channel + index, sums[index]);
  }
}

// The biases of four channels; those beyond the last one have any value.
QI_INLINE void loadBiases(const qi_requantization *r, ptrdiff_t channel, int32_t *sums) {
  for (int index = 0; index < 4; index += 1) sums[index] = r->biases[channel + index];
}

// A single row, or the first or second of two whose quads take turns, times a block of up to four channels.
__attribute__((noinline)) static void oneRow(
  const qi_matrix_product *p, const int16_t *row, ptrdiff_t step, const int8_t *weights, ptrdiff_t channel,
  int8_t *output) {
  int32_t sums[4];
  loadBiases(&p->requantization, channel, sums);
  if (step == 4) {
    qi_one_by_four(row, weights, weights + 16 * p->quads, sums);
  } else {
    for (ptrdiff_t quad = 0; quad < p->quads; quad += 1, row += step, weights += 16) {
      qi_one_by_four(row, weights, weights + 16, sums);
    }
  }
  codes(&p->requantization, channel, p->channels - channel, sums, output);
}

// Pairs of rows times two channels of a block; false where they need the long way.
__attribute__((noinline)) static bool twoChannels(
  const qi_matrix_product *p, const int8_t *weights, ptrdiff_t channel, int8_t *output, ptrdiff_t outputStride) {
  const qi_requantization *r = &p->requantization;
  qi_two_channels two;
  for (int index = 0; index < 2; index += 1) {
    const int32_t shift = r->shifts[channel + index];
    if (!isShort(shift)) return false;
    two.biases[index] = r->biases[channel + index];
    two.scales[index].multiplier = r->multipliers[channel + index];
    two.scales[index].half = half(r, -shift);
    two.scales[index].shift = -shift;
  }
  const int8_t *const end = weights + 16 * p->quads;
  const bool isNarrow = r->minimum > -128 || r->maximum < 127;
  const int16_t *rows = p->patches;
  for (ptrdiff_t left = p->rows; left > 0; left -= 2) {
    if (qi_two_by_two(rows, weights, end, &two, output, outputStride)) return false;
    if (isNarrow) {
      for (int index = 0; index < 4; index += 1) {
        int8_t *const place = output + (index >> 1) * outputStride + (index & 1);
        *place = (int8_t)limited(r, *place);
      }
    }
    rows += 8 * p->quads;
    output += 2 * outputStride;
  }
  return true;
}

// MARK: - Kernels

bool qi_matrix_product_dsp(qi_matrix_product product, int8_t *output, ptrdiff_t outputStride) {
  const qi_matrix_product *const p = &product;
  if (((uintptr_t)p->weights | (uintptr_t)p->patches) % 4 != 0 || p->quads < 1) return false;
  if (p->rows != 1 && p->rows % 2 != 0) return false;
  const int8_t *weights = p->weights;
  for (ptrdiff_t channel = 0; channel < p->channels; channel += 4, weights += 16 * p->quads) {
    if (p->rows > 1 && channel + 4 <= p->channels &&
        twoChannels(p, weights, channel, output + channel, outputStride) &&
        twoChannels(p, weights + 8, channel + 2, output + channel + 2, outputStride)) {
      continue;
    }
    for (ptrdiff_t row = 0; row < p->rows; row += 1) {
      const int16_t *const start = p->patches + 4 * p->quads * (row & ~(ptrdiff_t)1) + 4 * (row & 1);
      oneRow(p, start, p->rows > 1 ? 8 : 4, weights, channel, output + row * outputStride + channel);
    }
  }
  return true;
}

// Inputs `from ..< to` of two stretches, as a row that is filled up to a quad with zeros.
__attribute__((noinline)) static void pairStretches(
  const int8_t *first, ptrdiff_t firstCount, const int8_t *second, ptrdiff_t from, ptrdiff_t to, int16_t *row) {
  const ptrdiff_t border = firstCount < from ? from : firstCount > to ? to : firstCount;
  qi_pair(first + from, border - from, row, 4, 0);
  qi_pair(second + (border - firstCount), to - border, row, 4, border - from);
  qi_pair_fill(0, (from - to) & 3, row, 4, to - from);
}

bool qi_fully_connected_dsp(
  qi_matrix_product product, const int8_t *first, ptrdiff_t firstCount, const int8_t *second, ptrdiff_t secondCount,
  int8_t *output) {
  enum { greatest = 256 };
  __attribute__((aligned(4))) int16_t row[greatest];
  const ptrdiff_t inputs = firstCount + secondCount;
  if ((uintptr_t)product.weights % 4 != 0 || inputs < 1) return false;
  if (inputs <= greatest) pairStretches(first, firstCount, second, 0, inputs, row);
  const int8_t *weights = product.weights;
  for (ptrdiff_t channel = 0; channel < product.channels; channel += 4) {
    int32_t sums[4];
    loadBiases(&product.requantization, channel, sums);
    for (ptrdiff_t from = 0; from < inputs; from += greatest) {
      const ptrdiff_t to = inputs - from > greatest ? from + greatest : inputs;
      if (inputs > greatest) pairStretches(first, firstCount, second, from, to, row);
      const int8_t *const end = weights + 4 * ((to - from + 3) & ~(ptrdiff_t)3);
      qi_one_by_four(row, weights, end, sums);
      weights = end;
    }
    codes(&product.requantization, channel, product.channels - channel, sums, output + channel);
  }
  return true;
}

// Adds a tap's products to four channels' sums.
#define QI_TAP(sums, codes)                        \
  do {                                             \
    const int32_t word = (codes);                  \
    const int32_t evenCodes = qi_sxtb16(word);     \
    const int32_t oddCodes = qi_sxtb16_odd(word);  \
    sums##0 = qi_smlabb(evenCodes, even, sums##0); \
    sums##1 = qi_smlabb(oddCodes, odd, sums##1);   \
    sums##2 = qi_smlatt(evenCodes, even, sums##2); \
    sums##3 = qi_smlatt(oddCodes, odd, sums##3);   \
  } while (0)

// Four channels of a pixel, and of the next one where `isPair`, into `outputs` and `outputStride` behind it.
QI_INLINE void depthwiseFour(
  const qi_depthwise *d, ptrdiff_t channel, int32_t firstColumn, const bool isPair, int8_t *outputs,
  ptrdiff_t outputStride) {
  const int32_t padding = (int32_t)(0x01010101u * (uint8_t)d->inputZeroPoint);
  const int32_t *const biases = d->requantization.biases + channel;
  int32_t a0 = biases[0], a1 = biases[1], a2 = biases[2], a3 = biases[3];
  int32_t b0 = a0, b1 = a1, b2 = a2, b3 = a3;
  const ptrdiff_t step = d->columnStep * d->columnStride;
  const ptrdiff_t tapDistance = d->columnDilation * d->columnStride, weightDistance = d->weightColumnStride;
  const int32_t lastColumn = firstColumn + (d->columnTaps - 1) * d->columnDilation + (isPair ? d->columnStep : 0);
  const bool areColumnsInside = firstColumn >= 0 && lastColumn < d->columnCount;
  for (int32_t i = 0; i < d->rowTaps; i += 1) {
    const bool isInside = i >= d->firstRowTap && i < d->endRowTap;
    const int8_t *cell = d->input + (i * d->rowStride + firstColumn * d->columnStride + channel);
    const int8_t *weight = d->weights + (i * d->weightRowStride + channel);
    if (isInside && areColumnsInside) {
#pragma clang loop unroll(disable)
      for (int32_t j = d->columnTaps; j > 0; j -= 1) {
        const int32_t weights = qi_load4(weight);
        const int32_t even = qi_sxtb16(weights), odd = qi_sxtb16_odd(weights);
        QI_TAP(a, qi_load4(cell));
        if (isPair) QI_TAP(b, qi_load4(cell + step));
        cell += tapDistance;
        weight += weightDistance;
      }
    } else {
      int32_t column = isInside ? firstColumn : INT32_MIN / 2;
#pragma clang loop unroll(disable)
      for (int32_t j = d->columnTaps; j > 0; j -= 1) {
        const int32_t weights = qi_load4(weight);
        const int32_t even = qi_sxtb16(weights), odd = qi_sxtb16_odd(weights);
        QI_TAP(a, (uint32_t)column < (uint32_t)d->columnCount ? qi_load4(cell) : padding);
        if (isPair) {
          const bool isCode = (uint32_t)(column + d->columnStep) < (uint32_t)d->columnCount;
          QI_TAP(b, isCode ? qi_load4(cell + step) : padding);
        }
        column += d->columnDilation;
        cell += tapDistance;
        weight += weightDistance;
      }
    }
  }
  const qi_requantization constants = d->requantization;
  outputs[0] = (int8_t)code(&constants, channel, a0);
  outputs[1] = (int8_t)code(&constants, channel + 1, a1);
  outputs[2] = (int8_t)code(&constants, channel + 2, a2);
  outputs[3] = (int8_t)code(&constants, channel + 3, a3);
  if (!isPair) return;
  outputs[outputStride] = (int8_t)code(&constants, channel, b0);
  outputs[outputStride + 1] = (int8_t)code(&constants, channel + 1, b1);
  outputs[outputStride + 2] = (int8_t)code(&constants, channel + 2, b2);
  outputs[outputStride + 3] = (int8_t)code(&constants, channel + 3, b3);
}

__attribute__((noinline)) static void depthwisePair(
  const qi_depthwise *d, ptrdiff_t channel, int32_t firstColumn, int8_t *outputs, ptrdiff_t outputStride) {
  depthwiseFour(d, channel, firstColumn, true, outputs, outputStride);
}

__attribute__((noinline)) static void depthwiseSingle(
  const qi_depthwise *d, ptrdiff_t channel, int32_t firstColumn, int8_t *outputs) {
  depthwiseFour(d, channel, firstColumn, false, outputs, 0);
}

// One channel of one pixel.
static int8_t depthwiseOne(const qi_depthwise *d, ptrdiff_t channel, int32_t firstColumn) {
  int32_t sum = d->requantization.biases[channel];
  for (int32_t i = 0; i < d->rowTaps; i += 1) {
    for (int32_t j = 0; j < d->columnTaps; j += 1) {
      const int32_t column = firstColumn + j * d->columnDilation;
      const bool isInside = i >= d->firstRowTap && i < d->endRowTap && column >= 0 && column < d->columnCount;
      const int32_t code =
        isInside ? d->input[i * d->rowStride + column * d->columnStride + channel] : d->inputZeroPoint;
      sum = (int32_t)((uint32_t)sum +
                      (uint32_t)(code * d->weights[i * d->weightRowStride + j * d->weightColumnStride + channel]));
    }
  }
  return (int8_t)code(&d->requantization, channel, sum);
}

bool qi_depthwise_dsp(qi_depthwise convolution, int8_t *output, ptrdiff_t outputStride) {
  enum { greatest = 128 };
  const qi_depthwise *const d = &convolution;
  const ptrdiff_t fours = d->channels & ~(ptrdiff_t)3;
  // A second pixel's codes wait here until the first one's inputs are not needed any more.
  int8_t codes[2 * greatest];
  for (ptrdiff_t pixel = 0; pixel < d->pixels;) {
    const int count = pixel + 2 <= d->pixels && d->channels <= greatest ? 2 : 1;
    const int32_t column = d->firstColumn + (int32_t)pixel * d->columnStep;
    int8_t *const outputs = output + pixel * outputStride;
    if (count == 2) {
      for (ptrdiff_t channel = 0; channel < fours; channel += 4) {
        depthwisePair(d, channel, column, codes + channel, greatest);
      }
      for (ptrdiff_t channel = fours; channel < d->channels; channel += 1) {
        codes[channel] = depthwiseOne(d, channel, column);
        codes[greatest + channel] = depthwiseOne(d, channel, column + d->columnStep);
      }
      for (ptrdiff_t channel = 0; channel < d->channels; channel += 1) {
        outputs[channel] = codes[channel];
        outputs[outputStride + channel] = codes[greatest + channel];
      }
    } else {
      for (ptrdiff_t channel = 0; channel < fours; channel += 4) {
        depthwiseSingle(d, channel, column, outputs + channel);
      }
      for (ptrdiff_t channel = fours; channel < d->channels; channel += 1) {
        outputs[channel] = depthwiseOne(d, channel, column);
      }
    }
    pixel += count;
  }
  return true;
}

#endif
