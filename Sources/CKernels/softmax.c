// SOFTMAX of int8 codes, each exponential computed once a call: gemmlowp's arithmetic as the runtime's `Softmax` has it.
#if defined(__x86_64__) || defined(__aarch64__)
#include "InstructionSets.h"

// All wrap at 32 bits.
ALWAYS_INLINE int32_t sum(int32_t a, int32_t b) { return (int32_t)((uint32_t)a + (uint32_t)b); }
ALWAYS_INLINE int32_t difference(int32_t a, int32_t b) { return (int32_t)((uint32_t)a - (uint32_t)b); }
ALWAYS_INLINE int32_t shiftedLeft(int32_t x, int32_t bits) { return (int32_t)((uint32_t)x << bits); }

// x / 2^bits, rounded to the nearest integer, halves away from zero; bits in 0 ... 31.
ALWAYS_INLINE int32_t shiftedRight(int32_t x, int32_t bits) {
  const int32_t mask = (int32_t)((1u << bits) - 1);
  return (x >> bits) + ((x & mask) > (mask >> 1) + (x < 0) ? 1 : 0);
}

ALWAYS_INLINE int32_t saturated(int64_t x) { return x > INT32_MAX ? INT32_MAX : x < INT32_MIN ? INT32_MIN : (int32_t)x; }

ALWAYS_INLINE int32_t scaled(int32_t x, qi_factor factor) {
  const int32_t left = factor.shift > 0 ? factor.shift : 0, right = factor.shift < 0 ? -factor.shift : 0;
  return shiftedRight(qi_doubled_high_product(shiftedLeft(x, left), factor.multiplier), right);
}

// exp(x) in Q0.31 for x in Q5.26, x <= 0.
static int32_t exponential(int32_t x) {
  if (x == 0) return INT32_MAX;
  // x = quarter - remainder, with quarter in -1/4 ..< 0 and the remainder a multiple of 1/4.
  const int32_t quarter = (x & 0xFFFFFF) - (1 << 24), remainder = difference(quarter, x);
  // exp(quarter) as a polynomial around -1/8.
  const int32_t t = sum(shiftedLeft(quarter, 5), 1 << 28);
  const int32_t t2 = qi_doubled_high_product(t, t);
  const int32_t t3 = qi_doubled_high_product(t2, t), t4 = qi_doubled_high_product(t2, t2);
  const int32_t higher =
    shiftedRight(sum(qi_doubled_high_product(sum(shiftedRight(t4, 2), t3), 715827883), t2), 1);
  int32_t result = sum(1895147668, qi_doubled_high_product(sum(t, higher), 1895147668));
  // exp(-2^k) in Q0.31 for k = -2 ... 4.
  static const int32_t powers[7] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};
  for (int k = 0; k < 7; k++) {
    if (remainder >> (24 + k) & 1) result = qi_doubled_high_product(result, powers[k]);
  }
  return result;
}

// 1 / (1 + x) in Q0.31 for x in Q0.31, x in 0 ..< 1, by three of Newton's steps in Q2.29.
static int32_t reciprocal(int32_t x) {
  const int32_t halfDenominator = (int32_t)(((uint32_t)x + (1u << 31)) >> 1);
  int32_t y = sum(1515870810, qi_doubled_high_product(halfDenominator, -1010580540));
  for (int step = 0; step < 3; step++) {
    const int32_t error = difference(1 << 29, qi_doubled_high_product(halfDenominator, y));
    y = saturated((int64_t)y + saturated((int64_t)qi_doubled_high_product(y, error) * 4));
  }
  return saturated((int64_t)y * 2);
}

void qi_softmax_by_table(const qi_softmax *softmax, int8_t *output) {
  // By how much a code is less than its row's greatest; an exponential is never negative.
  int32_t exponentials[256];
  for (int below = 0; below < 256; below++) exponentials[below] = -below < softmax->leastDifference ? 0 : -1;
  const int8_t *input = softmax->input;
  for (ptrdiff_t row = 0; row < softmax->rows; row++, input += softmax->count, output += softmax->count) {
    int32_t greatest = INT8_MIN;
    for (ptrdiff_t i = 0; i < softmax->count; i++) greatest = input[i] > greatest ? input[i] : greatest;
    int32_t total = 0;
    for (ptrdiff_t i = 0; i < softmax->count; i++) {
      int32_t *const known = &exponentials[greatest - input[i]];
      if (*known == -1) *known = exponential(scaled(input[i] - greatest, softmax->factor));
      total = sum(total, shiftedRight(*known, 12));
    }
    const int32_t headroom = total == 0 ? 32 : __builtin_clz((uint32_t)total);
    const int32_t inverse = reciprocal((int32_t)((uint32_t)total << (headroom & 31) ^ 1u << 31));
    const int32_t shift = 35 - headroom;
    for (ptrdiff_t i = 0; i < softmax->count; i++) {
      int32_t share = 0;
      if (shift <= 31) {
        share = shiftedRight(
          qi_doubled_high_product(inverse, exponentials[greatest - input[i]]), shift > 0 ? shift : 0);
      }
      output[i] = (int8_t)(share > 255 ? INT8_MAX : share + INT8_MIN);
    }
  }
}

#endif
