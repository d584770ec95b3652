// Depthwise convolutions for processors with the vector extension for microcontrollers: eight channels of a pixel at a time.
#include "CKernels.h"

#if QI_DSP_KERNELS

#include "mve.h"

enum { greatestTaps = 32 };

// Where a tap's input for a pixel and its weights lie, of channel 0.
typedef struct {
  const int8_t *input, *weights;
} tap;

// A pixel's taps: those inside the input, then those outside, which read the zero point. The order of what follows is known
// to the assembly.
typedef struct {
  const tap *taps;
  ptrdiff_t insideCount, outsideCount;
  ptrdiff_t distance;  // from the inputs that are listed to the pixel's
  ptrdiff_t channels;
  const int32_t *biases, *multipliers;
  const int8_t *shifts;
  int8_t *output;
  int32_t zeroPoint, minimum, maximum, inputZeroPoint;
} pixel;

#if QI_HAS_MVE

// Computes a pixel; biases, multipliers and shifts are used up. Sums of even channels are in q0, of odd ones in q1; r0 has
// the operands, r2 the distance of inputs, r3 the channel, r6 how many are left.
__attribute__((naked, noinline)) static void compute(pixel *operands) {
  __asm__ volatile(
    // Sums times the multipliers at r4, by the shifts at r8: see qi_vector_codes.
    ".macro qi_scale sums, places, count\n"
    "vctp.32 \\count\n"
    "vpstt\n"
    "vldrbt.s32 q2, [r8, \\places]\n"
    "vldrwt.u32 q3, [r4, \\places, uxtw #2]\n"
    "vmax.s32 q4, q2, q7\n"
    "vmin.s32 q2, q2, q7\n"
    "vshl.s32 \\sums, \\sums, q4\n"
    "vqrdmulh.s32 \\sums, \\sums, q3\n"
    "vand q4, \\sums, q2\n"
    "vshr.s32 q4, q4, #31\n"
    "vqadd.s32 \\sums, \\sums, q4\n"
    "vrshl.s32 \\sums, \\sums, q2\n"
    ".endm\n"
    "push {r4-r11, lr}\n"
    "vpush {d8-d15}\n"
    "ldrd r2, r6, [r0, #12]\n"
    "ldr r12, [r0, #32]\n"
    "movs r3, #0\n"
    "movs r4, #0\n"
    "vidup.u32 q5, r4, #2\n"
    "movs r4, #1\n"
    "vadd.i32 q6, q5, r4\n"
    "vmov.i32 q7, #0\n"
    // Up to eight channels.
    "1: ldr r8, [r0, #20]\n"
    "add r5, r6, #1\n"
    "lsr r5, r5, #1\n"
    "lsr r9, r6, #1\n"
    "vctp.32 r5\n"
    "vpst\n"
    "vldrwt.u32 q0, [r8, q5, uxtw #2]\n"
    "vctp.32 r9\n"
    "vpst\n"
    "vldrwt.u32 q1, [r8, q6, uxtw #2]\n"
    "add r8, r8, #32\n"
    "str r8, [r0, #20]\n"
    "vctp.16 r6\n"
    "ldrd r1, r10, [r0]\n"
    "ldr r11, [r0, #8]\n"
    "wls lr, r10, 3f\n"
    "2: ldrd r4, r7, [r1], #8\n"
    "add r4, r4, r2\n"
    "add r7, r7, r3\n"
    "vpstt\n"
    "vldrbt.s16 q2, [r4]\n"
    "vldrbt.s16 q3, [r7]\n"
    "vmullb.s16 q4, q2, q3\n"
    "vmullt.s16 q2, q2, q3\n"
    "vadd.i32 q0, q0, q4\n"
    "vadd.i32 q1, q1, q2\n"
    "le lr, 2b\n"
    "3: ldr r4, [r0, #48]\n"
    "vdup.16 q2, r4\n"
    "wls lr, r11, 5f\n"
    "4: ldrd r4, r7, [r1], #8\n"
    "add r7, r7, r3\n"
    "vpst\n"
    "vldrbt.s16 q3, [r7]\n"
    "vmullb.s16 q4, q2, q3\n"
    "vmullt.s16 q3, q2, q3\n"
    "vadd.i32 q0, q0, q4\n"
    "vadd.i32 q1, q1, q3\n"
    "le lr, 4b\n"
    "5: ldrd r4, r8, [r0, #24]\n"
    "qi_scale q0, q5, r5\n"
    "qi_scale q1, q6, r9\n"
    "add r4, r4, #32\n"
    "add r8, r8, #8\n"
    "strd r4, r8, [r0, #24]\n"
    "ldrd r4, r8, [r0, #36]\n"
    "ldr r1, [r0, #44]\n"
    "vadd.i32 q0, q0, r4\n"
    "vadd.i32 q1, q1, r4\n"
    "vdup.32 q2, r8\n"
    "vdup.32 q3, r1\n"
    "vmax.s32 q0, q0, q2\n"
    "vmax.s32 q1, q1, q2\n"
    "vmin.s32 q0, q0, q3\n"
    "vmin.s32 q1, q1, q3\n"
    "vmovnt.i32 q0, q1\n"
    "mov r4, r12\n"
    "vctp.16 r6\n"
    "vpst\n"
    "vstrbt.16 q0, [r4]\n"
    "add r12, r12, #8\n"
    "add r2, r2, #8\n"
    "add r3, r3, #8\n"
    "subs r6, r6, #8\n"
    "bgt.w 1b\n"
    "vpop {d8-d15}\n"
    "pop {r4-r11, pc}\n"
    ".purgem qi_scale\n" ::: "memory");
}

#else

static void compute(pixel *p) {
  const qi_requantization r = {
    p->biases, p->multipliers, p->shifts, p->zeroPoint, p->minimum, p->maximum};
  for (ptrdiff_t channel = 0; channel < p->channels; channel += 1) {
    int32_t sum = p->biases[channel];
    for (ptrdiff_t index = 0; index < p->insideCount + p->outsideCount; index += 1) {
      const tap *const next = p->taps + index;
      const int32_t code = index < p->insideCount ? next->input[p->distance + channel] : p->inputZeroPoint;
      sum = (int32_t)((uint32_t)sum + (uint32_t)(code * next->weights[channel]));
    }
    qi_vector_codes(&r, channel, 1, &sum, p->output + channel);
  }
}

#endif

// Lists a pixel's taps, for its first input column; returns whether all columns are inside.
__attribute__((noinline)) static bool list(const qi_depthwise *d, int32_t column, tap *taps, pixel *p) {
  bool areInside = true;
  tap *inside = taps, *outside = taps + d->rowTaps * d->columnTaps;
  p->outsideCount = 0;
  for (int32_t i = 0; i < d->rowTaps; i += 1) {
    const bool isRow = i >= d->firstRowTap && i < d->endRowTap;
    for (int32_t j = 0; j < d->columnTaps; j += 1) {
      const int32_t place = column + j * d->columnDilation;
      const bool isColumn = place >= 0 && place < d->columnCount;
      const int8_t *const weights = d->weights + (i * d->weightRowStride + j * d->weightColumnStride);
      areInside = areInside && isColumn;
      if (isRow && isColumn) {
        *inside++ = (tap){d->input + (i * d->rowStride + place * d->columnStride), weights};
      } else {
        *--outside = (tap){weights, weights};
        p->outsideCount += 1;
      }
    }
  }
  p->insideCount = inside - taps;
  p->distance = 0;
  return areInside;
}

bool qi_depthwise_mve(const qi_depthwise *convolution, int8_t *output, ptrdiff_t outputStride) {
  // A copy, which no byte that is written can be a part of.
  const qi_depthwise copy = *convolution, *const d = &copy;
  if (d->rowTaps > greatestTaps || d->columnTaps > greatestTaps || d->rowTaps * d->columnTaps > greatestTaps) {
    return qi_depthwise_dsp(convolution, output, outputStride);
  }
  tap taps[greatestTaps];
  pixel p = {
    .taps = taps, .channels = d->channels, .zeroPoint = d->requantization.zeroPoint,
    .minimum = d->requantization.minimum, .maximum = d->requantization.maximum, .inputZeroPoint = d->inputZeroPoint};
  const int32_t end = d->columnCount - (d->columnTaps - 1) * d->columnDilation;
  bool areInside = false;
  int32_t column = d->firstColumn;
  for (ptrdiff_t left = d->pixels; left > 0; left -= 1, column += d->columnStep, output += outputStride) {
    // As for the pixel before, while all columns are inside.
    p.distance += d->columnStep * d->columnStride;
    if (!areInside || column >= end) areInside = list(d, column, taps, &p);
    p.biases = d->requantization.biases;
    p.multipliers = d->requantization.multipliers;
    p.shifts = d->requantization.shifts;
    p.output = output;
    compute(&p);
  }
  return true;
}

#endif
