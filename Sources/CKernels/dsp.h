// The instructions of ARM's DSP extension that the kernels use, on other processors in plain C: the same bits, so
// that a host can test every shape.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__arm__) && defined(__ARM_FEATURE_DSP)
#define QI_HAS_DSP 1
#include <arm_acle.h>
#else
#define QI_HAS_DSP 0
#endif

#define QI_INLINE static inline __attribute__((always_inline))

// Bytes 0 and 2 of a word as two numbers of 16 bits.
QI_INLINE int32_t qi_sxtb16(int32_t word) {
#if QI_HAS_DSP
  return __sxtb16(word);
#else
  return (int32_t)((uint32_t)(uint16_t)(int8_t)word | (uint32_t)(uint16_t)(int8_t)(word >> 16) << 16);
#endif
}

// Bytes 1 and 3 of a word as two numbers of 16 bits.
QI_INLINE int32_t qi_sxtb16_odd(int32_t word) {
#if QI_HAS_DSP
  return __sxtb16((int32_t)__ror((uint32_t)word, 8));
#else
  return qi_sxtb16((int32_t)((uint32_t)word >> 8));
#endif
}

// The sum of the products of both halves, and of a third number; it wraps.
QI_INLINE int32_t qi_smlad(int32_t a, int32_t b, int32_t sum) {
#if QI_HAS_DSP
  return __smlad(a, b, sum);
#else
  const uint32_t low = (uint32_t)((int16_t)a * (int16_t)b), high = (uint32_t)((a >> 16) * (b >> 16));
  return (int32_t)(low + high + (uint32_t)sum);
#endif
}

// The product of the lower halves, and of the upper ones, added to a third number; it wraps.
QI_INLINE int32_t qi_smlabb(int32_t a, int32_t b, int32_t sum) {
#if QI_HAS_DSP
  return __smlabb(a, b, sum);
#else
  return (int32_t)((uint32_t)((int16_t)a * (int16_t)b) + (uint32_t)sum);
#endif
}

QI_INLINE int32_t qi_smlatt(int32_t a, int32_t b, int32_t sum) {
#if QI_HAS_DSP
  return __smlatt(a, b, sum);
#else
  return (int32_t)((uint32_t)((a >> 16) * (b >> 16)) + (uint32_t)sum);
#endif
}

// The upper half of the product, rounded: floor((a * b + 2^31) / 2^32).
QI_INLINE int32_t qi_smmulr(int32_t a, int32_t b) {
#if QI_HAS_DSP
  int32_t result;
  __asm__("smmulr %0, %1, %2" : "=r"(result) : "r"(a), "r"(b));
  return result;
#else
  return (int32_t)(((int64_t)a * b + 0x80000000ll) >> 32);
#endif
}

// A number limited to 8 bits.
QI_INLINE int32_t qi_ssat8(int32_t a) {
#if QI_HAS_DSP
  return __ssat(a, 8);
#else
  return a < -128 ? -128 : a > 127 ? 127 : a;
#endif
}

// Four bytes at any address.
QI_INLINE int32_t qi_load4(const void *_Nonnull from) {
  int32_t word;
  __builtin_memcpy(&word, from, 4);
  return word;
}

QI_INLINE void qi_store4(void *_Nonnull to, int32_t word) { __builtin_memcpy(to, &word, 4); }

// What turns the sums of two output channels into codes: `half` is half of the last place, and the zero point, before the
// shift.
typedef struct qi_two_channels {
  int32_t biases[2];
  struct {
    int32_t multiplier, half, shift;
  } scales[2];
} qi_two_channels;

// Two rows, whose quads take turns, times two channels, as codes of 8 bits: outputs[row][channel], whose rows lie
// `outputStride` apart.
//
// The weights of a quad's two channels lie side by side, 16 bytes from those of the next quad, up to `end`. Returns
// whether a sum was too large for the short way of scaling: then nothing that was written counts.
bool qi_two_by_two(
  const int16_t *_Nonnull rows, const int8_t *_Nonnull weights, const int8_t *_Nonnull end,
  const qi_two_channels *_Nonnull channels, int8_t *_Nonnull outputs, ptrdiff_t outputStride);

// Adds a single row times four channels to their sums; the weights as above.
void qi_one_by_four(
  const int16_t *_Nonnull row, const int8_t *_Nonnull weights, const int8_t *_Nonnull end, int32_t sums[_Nonnull 4]);
