// The Fourier transform's butterflies for processors with ARM's DSP extension.
#include "CKernels.h"

#if QI_DSP_KERNELS

#include "dsp.h"

#if QI_HAS_DSP

// In assembly, as fourteen registers are just enough: r2 has 2^14 in its upper half and the shift in its lowest byte.
__attribute__((naked, noinline)) int32_t qi_fft_stage_dsp(
  int16_t *data, ptrdiff_t count, ptrdiff_t half, const int16_t *twiddles, int32_t shift) {
  __asm__ volatile(
    // The greater magnitudes of both halves.
    ".macro qi_magnitudes word\n"
    "ssub16 r10, lr, \\word\n"
    "sel r10, r10, \\word\n"
    "usub16 r11, r10, r12\n"
    "sel r12, r10, r12\n"
    ".endm\n"
    "push {r4-r11, lr}\n"
    "ldr r12, [sp, #36]\n"
    "sub sp, sp, #16\n"
    "sdiv r4, r1, r2\n"
    "lsl r4, r4, #2\n"
    "add r5, r0, r2, lsl #2\n"
    "strd r4, r5, [sp]\n"
    "strd r3, r0, [sp, #8]\n"
    "add r3, r0, r1, lsl #2\n"
    "lsl r1, r2, #2\n"
    "add r2, r12, #13\n"
    "mov r4, #1\n"
    "lsl r4, r4, r2\n"
    "add r2, r2, #1\n"
    "orr r2, r2, #0x40000000\n"
    "mov r12, #0\n"
    "mov lr, #0\n"
    // A twiddle, then all butterflies that it serves.
    "1: ldrd r6, r0, [sp, #8]\n"
    "ldr r7, [sp]\n"
    "ldr r5, [r6]\n"
    "add r6, r6, r7\n"
    "add r9, r0, #4\n"
    "strd r6, r9, [sp, #8]\n"
    "2: ldr r6, [r0]\n"
    "ldr r7, [r0, r1]\n"
    "smlabt r8, r6, r2, r4\n"
    "smlatt r9, r6, r2, r4\n"
    "smuad r10, r7, r5\n"
    "smusdx r11, r5, r7\n"
    "add r6, r8, r10\n"
    "add r7, r9, r11\n"
    "sub r8, r8, r10\n"
    "sub r9, r9, r11\n"
    "asr r6, r6, r2\n"
    "asr r7, r7, r2\n"
    "asr r8, r8, r2\n"
    "asr r9, r9, r2\n"
    "pkhbt r6, r6, r7, lsl #16\n"
    "pkhbt r8, r8, r9, lsl #16\n"
    "str r6, [r0]\n"
    "str r8, [r0, r1]\n"
    "qi_magnitudes r6\n"
    "qi_magnitudes r8\n"
    "add r0, r0, r1, lsl #1\n"
    "cmp r0, r3\n"
    "blo 2b\n"
    "ldr r0, [sp, #12]\n"
    "ldr r5, [sp, #4]\n"
    "cmp r0, r5\n"
    "blo 1b\n"
    "uxth r0, r12\n"
    "lsr r12, r12, #16\n"
    "cmp r0, r12\n"
    "it lo\n"
    "movlo r0, r12\n"
    "add sp, sp, #16\n"
    "pop {r4-r11, pc}\n"
    ".purgem qi_magnitudes\n");
}

#else

// A sum as a number of 16 bits.
static int32_t brought(int32_t sum, int32_t shift, int32_t *greatest) {
  const int32_t number = (int16_t)(sum >> shift), magnitude = number < 0 ? -number : number;
  if (magnitude > *greatest) *greatest = magnitude;
  return number;
}

int32_t qi_fft_stage_dsp(
  int16_t *data, ptrdiff_t count, ptrdiff_t half, const int16_t *twiddles, int32_t shift) {
  const int32_t down = 14 + shift, rounding = 1 << (down - 1), one = 1 << 14;
  int32_t greatest = 0;
  for (ptrdiff_t offset = 0; offset < half; offset += 1, twiddles += 2 * (count / half)) {
    const int32_t twiddle = qi_load4(twiddles);  // Cosine and sine.
    for (ptrdiff_t first = offset; first < count; first += 2 * half) {
      int16_t *const upper = data + 2 * first, *const lower = upper + 2 * half;
      const int32_t b = qi_load4(lower);
      const int32_t real = upper[0] * one + rounding, imaginary = upper[1] * one + rounding;
      // The lower number times cosine - i sine.
      const int32_t turnedReal = qi_smuad(b, twiddle), turnedImaginary = qi_smusdx(twiddle, b);
      upper[0] = (int16_t)brought(real + turnedReal, down, &greatest);
      upper[1] = (int16_t)brought(imaginary + turnedImaginary, down, &greatest);
      lower[0] = (int16_t)brought(real - turnedReal, down, &greatest);
      lower[1] = (int16_t)brought(imaginary - turnedImaginary, down, &greatest);
    }
  }
  return greatest;
}

#endif

#endif
