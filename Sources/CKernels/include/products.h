// Products of 64 bits, in halves where a processor has no others.
#pragma once
#include <stdint.h>

// A processor that can't multiply to 64 bits takes halves: the product is whole * 2^32 + middle * 2^16 and something less.
typedef struct qi_halves_product {
  int32_t whole, middle;
} qi_halves_product;

static inline __attribute__((always_inline)) qi_halves_product qi_multiplied_by_halves(int32_t a, int32_t b) {
  const uint32_t lowA = a & 0xFFFF, lowB = b & 0xFFFF;
  const int32_t cross = (int32_t)((lowA * lowB) >> 16) + (int32_t)lowA * (b >> 16);
  const int32_t middle = (a >> 16) * (int32_t)lowB + (cross & 0xFFFF);
  return (qi_halves_product){(a >> 16) * (b >> 16) + (cross >> 16), middle};
}

#if defined(__ARM_ARCH_6M__)
#define QI_BY_HALVES 1
#else
#define QI_BY_HALVES 0
#endif

// floor(a * b / 2^32)
static inline __attribute__((always_inline)) int32_t qi_high_product(int32_t a, int32_t b) {
#if QI_BY_HALVES
  const qi_halves_product product = qi_multiplied_by_halves(a, b);
  return product.whole + (product.middle >> 16);
#else
  return (int32_t)(((int64_t)a * b) >> 32);
#endif
}

// floor((a * b + 2^30) / 2^31)
static inline __attribute__((always_inline)) int32_t qi_doubled_high_product(int32_t a, int32_t b) {
#if QI_BY_HALVES
  const qi_halves_product product = qi_multiplied_by_halves(a, b);
  return (int32_t)((uint32_t)product.whole << 1) + (((product.middle >> 14) + 1) >> 1);
#else
  const int64_t product = (int64_t)a * b;
  return (int32_t)((uint32_t)(product >> 31) + ((uint32_t)product >> 30 & 1));
#endif
}

// As qi_doubled_high_product, for b >= 0: a times a fraction in Q31.
static inline __attribute__((always_inline)) int32_t qi_times_fraction(int32_t a, int32_t b) {
#if defined(__arm__) && defined(__ARM_FEATURE_DSP)
  // Twice b, taken for a number with a sign, is less by 2^32 where b is 2^30 at least.
  const int32_t twice = (int32_t)((uint32_t)b << 1);
  int32_t result;
  __asm__("smmlar %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(twice), "r"(a & (twice >> 31)));
  return result;
#else
  return qi_doubled_high_product(a, b);
#endif
}

// c + qi_times_fraction(a, b), for a magnitude of a below 2^30
static inline __attribute__((always_inline)) int32_t qi_plus_times_fraction(int32_t c, int32_t a, int32_t b) {
#if defined(__arm__) && defined(__ARM_FEATURE_DSP)
  int32_t result;
  __asm__("smmlar %0, %1, %2, %3" : "=r"(result) : "r"(2 * a), "r"(b), "r"(c));
  return result;
#else
  return c + qi_times_fraction(a, b);
#endif
}
