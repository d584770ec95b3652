// What a beat is beside the patient's usual one, in few instructions: see BeatSamples and BeatTemplate. All sums wrap.
#include "dsp.h"

QI_INLINE uint32_t magnitude(int32_t number) { return number < 0 ? 0 - (uint32_t)number : (uint32_t)number; }

// The greater of each two halves, and the less.
QI_INLINE int32_t greater(int32_t a, int32_t b) {
#if QI_HAS_DSP
  int32_t result;
  __asm__("ssub16 %0, %1, %2\n sel %0, %1, %2" : "=&r"(result) : "r"(a), "r"(b));
  return result;
#else
  const int32_t low = (int16_t)a > (int16_t)b ? a : b, high = a >> 16 > b >> 16 ? a : b;
  return (int32_t)(((uint32_t)low & 0xFFFF) | ((uint32_t)high & 0xFFFF0000));
#endif
}

QI_INLINE int32_t less(int32_t a, int32_t b) {
#if QI_HAS_DSP
  int32_t result;
  __asm__("ssub16 %0, %1, %2\n sel %0, %2, %1" : "=&r"(result) : "r"(a), "r"(b));
  return result;
#else
  const int32_t low = (int16_t)a > (int16_t)b ? b : a, high = a >> 16 > b >> 16 ? b : a;
  return (int32_t)(((uint32_t)low & 0xFFFF) | ((uint32_t)high & 0xFFFF0000));
#endif
}

ptrdiff_t qi_peak(const int16_t *sensed, ptrdiff_t reach) {
  const int32_t level = (sensed[-16] + sensed[-12] + sensed[-8] + sensed[-4] + sensed[0] + sensed[4] + sensed[8] + sensed[12]) >> 3;
  // First the greatest and the least, two samples at a time; the last one counts twice.
  const int16_t *sample = sensed - reach, *const last = sensed + reach;
  const int32_t twice = (int32_t)((uint32_t)*last << 16 | (uint16_t)*last);
  int32_t top = twice, bottom = twice;
  for (const int16_t *pair = sample; pair < last; pair += 2) {
    const int32_t both = qi_load4(pair);
    top = greater(both, top);
    bottom = less(both, bottom);
  }
  top = greater(top, (int32_t)((uint32_t)top << 16 | (uint32_t)top >> 16)) >> 16;
  bottom = less(bottom, (int32_t)((uint32_t)bottom << 16 | (uint32_t)bottom >> 16)) >> 16;
  // Then the first that lies as far from the level as the further one of these; the last, should memory have lost a bit since.
  if (top - level < level - bottom) top = 2 * level - bottom;
  bottom = 2 * level - top;
  while (*sample != top && *sample != bottom && sample < last) sample += 1;
  return sample - sensed;
}

// Both halves of a word, times one each.
enum { ones = 0x10001 };

int32_t qi_sums(const int16_t *samples, ptrdiff_t count, ptrdiff_t pairs, int32_t halving, int32_t *points) {
  int32_t sum = 0;
  int32_t *const end = points + count;
#if QI_HAS_DSP
  // The usual sizes: an instruction a line, where the compiler would make functions of them.
  if (pairs <= 2) {
    int32_t word;
    for (; points < end && pairs == 1; ) {
      __asm__ volatile(
        "ldr %0, [%1], #4\n"
        "smuad %0, %0, %4\n"
        "asr %0, %0, %5\n"
        "str %0, [%2], #4\n"
        "add %3, %3, %0\n"
        : "=&r"(word), "+r"(samples), "+r"(points), "+r"(sum) : "r"(ones), "r"(halving) : "memory");
    }
    int32_t next;
    while (points < end) {
      __asm__ volatile(
        "ldr %0, [%2], #4\n"
        "ldr %1, [%2], #4\n"
        "smuad %0, %0, %5\n"
        "smlad %0, %1, %5, %0\n"
        "asr %0, %0, %6\n"
        "str %0, [%3], #4\n"
        "add %4, %4, %0\n"
        : "=&r"(word), "=&r"(next), "+r"(samples), "+r"(points), "+r"(sum) : "r"(ones), "r"(halving) : "memory");
    }
    return sum;
  }
#endif
  for (; points < end; points += 1) {
    int32_t total = 0;
    for (ptrdiff_t left = pairs; left > 0; left -= 1, samples += 2) total = qi_smlad(qi_load4(samples), ones, total);
    *points = total >> halving;
    sum = (int32_t)((uint32_t)sum + (uint32_t)*points);
  }
  return sum;
}

uint32_t qi_pairs_distance(const int16_t *samples, const int32_t *usualQ4, ptrdiff_t count, int32_t usualSum) {
  int32_t sum = 0;
  const int16_t *pair = samples;
  ptrdiff_t left = count;
#if QI_HAS_DSP
  int32_t word, usual;
  for (; left >= 4; left -= 4) {
    __asm__ volatile(
      ".rept 4\n"
      "ldr %0, [%1], #4\n"
      "smlad %2, %0, %3, %2\n"
      ".endr\n"
      : "=&r"(word), "+r"(pair), "+r"(sum) : "r"(ones) : "memory");
  }
#endif
  for (; left > 0; left -= 1, pair += 2) sum = qi_smlad(qi_load4(pair), ones, sum);
  const int32_t mean = (int32_t)((uint32_t)sum - (uint32_t)usualSum) / (int32_t)count;
  const int32_t lessMean = (int32_t)(0 - (uint32_t)mean);
  uint32_t distance = 0;
#if QI_HAS_DSP
  for (; count >= 4; count -= 4) {
    __asm__ volatile(
      ".rept 4\n"
      "ldr %0, [%2], #4\n"
      "ldr %1, [%3], #4\n"
      "smlad %0, %0, %5, %6\n"
      "subs %0, %0, %1, asr #4\n"
      "it mi\n"
      "rsbmi %0, %0, #0\n"
      "add %4, %4, %0\n"
      ".endr\n"
      : "=&r"(word), "=&r"(usual), "+r"(samples), "+r"(usualQ4), "+r"(distance) : "r"(ones), "r"(lessMean) : "cc", "memory");
  }
#endif
  for (; count > 0; count -= 1, samples += 2, usualQ4 += 1) {
    const int32_t level = qi_smlad(qi_load4(samples), ones, lessMean);
    distance += magnitude((int32_t)((uint32_t)level - (uint32_t)(*usualQ4 >> 4)));
  }
  return distance;
}

void qi_scaled_codes(const int32_t *numbers, ptrdiff_t count, int32_t factor, int8_t *codes) {
#if QI_HAS_DSP
  int32_t code;
  for (; count >= 4; count -= 4) {
    __asm__ volatile(
      ".rept 4\n"
      "ldr %0, [%1], #4\n"
      "lsl %0, %0, #10\n"
      "smmulr %0, %0, %3\n"
      "ssat %0, #8, %0\n"
      "strb %0, [%2], #1\n"
      ".endr\n"
      : "=&r"(code), "+r"(numbers), "+r"(codes) : "r"(factor) : "memory");
  }
#endif
  for (; count > 0; count -= 1, numbers += 1, codes += 1) {
    *codes = (int8_t)qi_ssat8(qi_smmlar((int32_t)((uint32_t)*numbers << 10), factor, 0));
  }
}
