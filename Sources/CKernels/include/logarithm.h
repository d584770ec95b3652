// The binary logarithm in integers.
#pragma once
#include "products.h"

// log2(x) of a number from 1 on in Q16, by the place of its leading bit and a polynomial of degree six in the bits that follow:
// log2(1 + f) = f * p(f), where p is fitted for the least maximal error with p(1) = 1, in Horner's form. The error is below 3e-6,
// a fifth of the last place.
static inline __attribute__((always_inline)) int32_t qi_log2_q16(uint32_t x) {
  const int32_t leadingZeros = __builtin_clz(x);
  // The bits after the leading one, in Q31.
  const int32_t fraction = (int32_t)((x << leadingZeros) & 0x7FFFFFFF);
  int32_t polynomial = -27746708;  // Q30
  polynomial = qi_plus_times_fraction(130778484, polynomial, fraction);
  polynomial = qi_plus_times_fraction(-298397426, polynomial, fraction);
  polynomial = qi_plus_times_fraction(491289107, polynomial, fraction);
  polynomial = qi_plus_times_fraction(-771102461, polynomial, fraction);
  polynomial = qi_plus_times_fraction(1548920828, polynomial, fraction);
  const int32_t logarithm = qi_times_fraction(polynomial, fraction);
  return ((31 - leadingZeros) << 16) + ((logarithm + (1 << 13)) >> 14);
}
