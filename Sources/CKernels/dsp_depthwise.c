// Depthwise convolutions for processors with ARM's DSP extension.
//
// For four channels at a time the taps are listed, with their weights widened, and go over pixel after pixel.
#include "CKernels.h"

#if QI_DSP_KERNELS

#include "dsp.h"

#if QI_HAS_DSP

__attribute__((naked, noinline)) void qi_four_channels(const qi_taps *taps, const qi_pixels *pixels) {
  __asm__ volatile(
    ".macro qi_tap\n"
    "ldm r1!, {r8, r9, r10}\n"
    "ldr r11, [r2, r8]\n"
    "sxtb16 r12, r11\n"
    "sxtb16 r11, r11, ror #8\n"
    "smlabb r4, r12, r9, r4\n"
    "smlatt r6, r12, r9, r6\n"
    "smlabb r5, r11, r10, r5\n"
    "smlatt r7, r11, r10, r7\n"
    ".endm\n"
    "push {r4-r11, lr}\n"
    "ldm r1, {r2, r3, r4, r5, r6, r7}\n"
    "mov lr, r4\n"
    "mla r7, r7, r5, r2\n"  // where the input of the pixel behind the last one begins
    // Eight taps a round; the first round may be shorter, and so begin at a later tap of 32 bytes.
    "adr.w r8, 2f\n"
    "rsb r9, r3, #0\n"
    "and r9, r9, #7\n"
    "add r8, r8, r9, lsl #5\n"
    "cmp r3, #0\n"
    "bne 4f\n"
    "adr.w r8, 3f\n"
    "4:\n"
    "orr r8, r8, #1\n"
    "add r3, r3, r3, lsl #1\n"
    "add r3, r0, r3, lsl #2\n"
    "add r3, r3, #68\n"
    "push {r5, r6, r7, r8}\n"
    "1:\n"
    "ldm r0, {r1, r4, r5, r6, r7}\n"
    "ldr pc, [sp, #12]\n"
    ".p2align 2\n"
    "2:\n"
    "qi_tap\n"
    "qi_tap\n"
    "qi_tap\n"
    "qi_tap\n"
    "qi_tap\n"
    "qi_tap\n"
    "qi_tap\n"
    "qi_tap\n"
    "cmp r1, r3\n"
    "bne 2b\n"
    // The sums as codes: see qi_short_code.
    "3:\n"
    "add r1, r0, #20\n"
    "ldm r1!, {r8, r9, r10, r11}\n"
    "smmlar r4, r4, r8, r4\n"
    "smmlar r5, r5, r9, r5\n"
    "smmlar r6, r6, r10, r6\n"
    "smmlar r7, r7, r11, r7\n"
    "ldm r1!, {r8, r9, r10, r11}\n"
    "add r4, r4, r4, asr #31\n"
    "add r5, r5, r5, asr #31\n"
    "add r6, r6, r6, asr #31\n"
    "add r7, r7, r7, asr #31\n"
    "qadd r4, r4, r8\n"
    "qadd r5, r5, r9\n"
    "qadd r6, r6, r10\n"
    "qadd r7, r7, r11\n"
    "ldm r1, {r8, r9, r10, r11}\n"
    "asr r4, r4, r8\n"
    "asr r5, r5, r9\n"
    "asr r6, r6, r10\n"
    "asr r7, r7, r11\n"
    "ssat r4, #8, r4, asr #1\n"
    "ssat r5, #8, r5, asr #1\n"
    "ssat r6, #8, r6, asr #1\n"
    "ssat r7, #8, r7, asr #1\n"
    "bfi r4, r5, #8, #8\n"
    "bfi r4, r6, #16, #8\n"
    "bfi r4, r7, #24, #8\n"
    "str r4, [lr]\n"
    "ldm sp, {r8, r9, r10}\n"
    "add r2, r2, r8\n"
    "add lr, lr, r9\n"
    "cmp r2, r10\n"
    "bne 1b\n"
    "add sp, sp, #16\n"
    "pop {r4-r11, pc}\n"
    ".purgem qi_tap\n");
}

#else

void qi_four_channels(const qi_taps *taps, const qi_pixels *pixels) {
  for (ptrdiff_t pixel = 0; pixel < pixels->count; pixel += 1) {
    int32_t sums[4];
    for (int channel = 0; channel < 4; channel += 1) sums[channel] = taps->biases[channel];
    for (ptrdiff_t tap = 0; tap < pixels->tapCount; tap += 1) {
      const uintptr_t input = (uintptr_t)pixels->input + (uintptr_t)(pixel * pixels->inputStep);
      const int32_t word = qi_load4((const int8_t *)(input + (uintptr_t)taps->taps[tap].distance));
      sums[0] = qi_smlabb(qi_sxtb16(word), taps->taps[tap].even, sums[0]);
      sums[1] = qi_smlabb(qi_sxtb16_odd(word), taps->taps[tap].odd, sums[1]);
      sums[2] = qi_smlatt(qi_sxtb16(word), taps->taps[tap].even, sums[2]);
      sums[3] = qi_smlatt(qi_sxtb16_odd(word), taps->taps[tap].odd, sums[3]);
    }
    for (int channel = 0; channel < 4; channel += 1) {
      const int32_t high = qi_smmlar(sums[channel], taps->multipliers[channel], sums[channel]);
      const int32_t code = qi_qadd(high + (high >> 31), taps->halves[channel]) >> taps->shifts[channel];
      pixels->output[pixel * pixels->outputStep + channel] = (int8_t)qi_ssat8(code >> 1);
    }
  }
}

#endif

// The taps of four channels, and those pixels' outputs that must wait until their neighbours' inputs are not needed any more.
enum { memoryBytes = 512 };

// Lists the weights of the rows of taps inside the input, and what the scaling needs; the other rows count to the sums to
// begin with. Returns how many taps there are.
__attribute__((noinline)) static ptrdiff_t list(const qi_depthwise *d, ptrdiff_t channel, qi_taps *taps) {
  const qi_requantization *const r = &d->requantization;
  const int32_t *const biases = r->biases + channel, *const multipliers = r->multipliers + channel;
  const int8_t *const shifts = r->shifts + channel;
  const int32_t zeroPoint = 2 * r->zeroPoint + 1;
  taps->first = taps->taps;
  for (int index = 0; index < 4; index += 1) {
    const int32_t shift = (-1 - shifts[index]) & 31;
    taps->biases[index] = biases[index];
    taps->multipliers[index] = (int32_t)((uint32_t)multipliers[index] << 1);
    taps->halves[index] = (int32_t)((uint32_t)zeroPoint << shift);
    taps->shifts[index] = shift;
  }
  const ptrdiff_t stride = d->weightColumnStride;
  qi_tap *next = taps->taps;
  for (int32_t i = 0; i < d->rowTaps; i += 1) {
    const int8_t *weight = d->weights + (i * d->weightRowStride + channel);
    const bool isInside = i >= d->firstRowTap && i < d->endRowTap;
    for (int32_t count = d->columnTaps; count > 0; count -= 1, weight += stride) {
      const int32_t word = qi_load4(weight), even = qi_sxtb16(word), odd = qi_sxtb16_odd(word);
      if (isInside) {
        next->even = even;
        next->odd = odd;
        next += 1;
      } else {
        const int32_t padding = (uint16_t)d->inputZeroPoint;
        taps->biases[0] = qi_smlabb(even, padding, taps->biases[0]);
        taps->biases[1] = qi_smlabb(odd, padding, taps->biases[1]);
        taps->biases[2] = qi_smlabb(even >> 16, padding, taps->biases[2]);
        taps->biases[3] = qi_smlabb(odd >> 16, padding, taps->biases[3]);
      }
    }
  }
  return next - taps->taps;
}

// Notes where the taps' inputs lie for a pixel, of the window's columns `first` ..< `end`; those of the other columns lie at
// `padding`.
__attribute__((noinline)) static void locate(
  const qi_depthwise *d, int32_t first, int32_t end, ptrdiff_t padding, qi_tap *next) {
  const ptrdiff_t step = d->columnDilation * d->columnStride;
  ptrdiff_t distance = d->firstRowTap * d->rowStride;
  const ptrdiff_t nextRow = d->rowStride - d->columnTaps * step;
  for (int32_t i = d->endRowTap - d->firstRowTap; i > 0; i -= 1, distance += nextRow) {
    int32_t j = d->columnTaps;
    const int32_t before = j - first, behind = j - end;
#pragma clang loop unroll(disable)
    for (; j > before; j -= 1, distance += step, next += 1) next->distance = padding;
#pragma clang loop unroll(disable)
    for (; j > behind; j -= 1, distance += step, next += 1) next->distance = distance;
#pragma clang loop unroll(disable)
    for (; j > 0; j -= 1, distance += step, next += 1) next->distance = padding;
  }
}

// Four channels of some neighbouring pixels.
__attribute__((noinline)) static void fourChannels(
  const qi_depthwise *d, qi_taps *taps, ptrdiff_t channel, ptrdiff_t pixel, ptrdiff_t end, int8_t *output) {
  const int32_t padding = (int32_t)(0x01010101u * (uint8_t)d->inputZeroPoint);
  const int32_t reach = (d->columnTaps - 1) * d->columnDilation;
  qi_pixels pixels = {
    .tapCount = list(d, channel, taps), .output = output, .inputStep = d->columnStep * d->columnStride,
    .outputStep = d->channels};
  while (pixel < end) {
    const int32_t column = d->firstColumn + (int32_t)pixel * d->columnStep, room = d->columnCount - column;
    int32_t firstTap = 0, endTap = d->columnTaps;
    pixels.count = 1;
    if (column < 0) firstTap = (d->columnDilation - 1 - column) / d->columnDilation;
    if (firstTap > d->columnTaps) firstTap = d->columnTaps;
    if (room <= reach) {
      endTap = room <= 0 ? 0 : (room + d->columnDilation - 1) / d->columnDilation;
    } else if (column >= 0) {
      // So are the next pixels whole.
      pixels.count = (room - reach - 1) / d->columnStep + 1;
      if (pixels.count > end - pixel) pixels.count = end - pixel;
    }
    pixels.input = d->input + (column * d->columnStride + channel);
    locate(d, firstTap, endTap, (ptrdiff_t)((uintptr_t)&padding - (uintptr_t)pixels.input), taps->taps);
    qi_four_channels(taps, &pixels);
    pixels.output += pixels.count * d->channels;
    pixel += pixels.count;
  }
}

// One channel of one pixel.
__attribute__((noinline)) static int8_t one(const qi_depthwise *d, ptrdiff_t channel, ptrdiff_t pixel) {
  int32_t sum = d->requantization.biases[channel];
  for (int32_t i = 0; i < d->rowTaps; i += 1) {
    for (int32_t j = 0; j < d->columnTaps; j += 1) {
      const int32_t column = d->firstColumn + (int32_t)pixel * d->columnStep + j * d->columnDilation;
      const bool isInside = i >= d->firstRowTap && i < d->endRowTap && column >= 0 && column < d->columnCount;
      const int32_t code =
        isInside ? d->input[i * d->rowStride + column * d->columnStride + channel] : d->inputZeroPoint;
      sum = (int32_t)((uint32_t)sum +
                      (uint32_t)(code * d->weights[i * d->weightRowStride + j * d->weightColumnStride + channel]));
    }
  }
  return qi_code(&d->requantization, channel, sum);
}

// Whether no output lies over an input.
static bool isApart(const qi_depthwise *d, const int8_t *output) {
  const intptr_t input = (intptr_t)d->input + d->firstRowTap * d->rowStride;
  const intptr_t end = input + (d->endRowTap - 1 - d->firstRowTap) * d->rowStride + d->columnCount * d->columnStride;
  return end <= (intptr_t)output || (intptr_t)(output + d->pixels * d->channels) <= input;
}

// Once more the channels that the assembly's way of scaling doesn't serve.
__attribute__((noinline)) static void computeLong(const qi_depthwise *d, ptrdiff_t pixel, ptrdiff_t end, int8_t *codes) {
  const qi_requantization *const r = &d->requantization;
  for (; pixel < end; pixel += 1, codes += d->channels) {
    for (ptrdiff_t channel = 0; channel < d->channels; channel += 1) {
      if (!qi_is_short(r, channel)) codes[channel] = one(d, channel, pixel);
    }
  }
}

bool qi_depthwise_dsp(const qi_depthwise *d, int8_t *output, ptrdiff_t outputStride) {
  const qi_requantization *const r = &d->requantization;
  __attribute__((aligned(4))) int8_t memory[memoryBytes];
  qi_taps *const taps = (qi_taps *)memory;
  const ptrdiff_t listBytes = sizeof *taps + d->rowTaps * (ptrdiff_t)d->columnTaps * (ptrdiff_t)sizeof taps->taps[0];
  const bool isNarrow = r->minimum > -128 || r->maximum < 127;
  bool areListed = d->channels >= 4 && listBytes <= memoryBytes, hasLong = false;
  for (ptrdiff_t channel = 0; channel < d->channels; channel += 1) {
    if (!qi_is_short(r, channel)) hasLong = true;
  }
  // The taps are listed once for all pixels where these may be written at once.
  const bool isDirect = areListed && outputStride == d->channels && isApart(d, output);
  ptrdiff_t waiting = areListed ? (memoryBytes - listBytes) / d->channels : 0;
  // A single pixel's output may be written at once: its inputs in other channels are not at that place. But not twice.
  if (hasLong && !isDirect && waiting <= 1) areListed = false, waiting = 0;
  for (ptrdiff_t pixel = 0, end; pixel < d->pixels; pixel = end) {
    end = isDirect ? d->pixels : pixel + (waiting > 1 ? waiting : 1);
    if (end > d->pixels) end = d->pixels;
    int8_t *const outputs = output + pixel * outputStride;
    int8_t *const codes = waiting > 1 && !isDirect ? memory + listBytes : outputs;
    for (ptrdiff_t next = 0; next < d->channels;) {
      if (areListed) {
        // The last four channels may be some of those before, once more.
        const ptrdiff_t channel = next + 4 > d->channels ? d->channels - 4 : next;
        fourChannels(d, taps, channel, pixel, end, codes + channel);
        next = channel + 4;
      } else {
        codes[next] = one(d, next, pixel);
        next += 1;
      }
    }
    if (areListed && hasLong) computeLong(d, pixel, end, codes);
    if (isNarrow) qi_limit(r, codes, (end - pixel) * d->channels);
    if (codes == outputs) continue;
    // In one piece where it may be.
    const ptrdiff_t pieces = outputStride == d->channels ? 1 : end - pixel;
    const ptrdiff_t byteCount = (end - pixel) * d->channels / pieces;
    for (ptrdiff_t index = 0; index < pieces; index += 1) {
      __builtin_memcpy(outputs + index * outputStride, codes + index * byteCount, (size_t)byteCount);
    }
  }
  return true;
}

#endif
