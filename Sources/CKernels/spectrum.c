// A spectrogram's column in few instructions: see StreamingSpectrogram.
#include "dsp.h"

uint32_t qi_weighed(const int32_t *samples, const int32_t *weights, ptrdiff_t count, int32_t *weighed) {
  uint32_t bits = 0;
#if QI_HAS_DSP
  for (; count >= 4; count -= 4) {
    __asm__ volatile(
      "ldm %0!, {r4, r5, r6, r8}\n"
      "ldm %1!, {r9, r10, r11, r12}\n"
      "smmul r4, r4, r9\n"
      "smmul r5, r5, r10\n"
      "smmul r6, r6, r11\n"
      "smmul r8, r8, r12\n"
      "stm %2!, {r4, r5, r6, r8}\n"
      "eor r4, r4, r4, asr #31\n"
      "eor r5, r5, r5, asr #31\n"
      "eor r6, r6, r6, asr #31\n"
      "eor r8, r8, r8, asr #31\n"
      "orr %3, %3, r4\n"
      "orr r5, r5, r6\n"
      "orr %3, %3, r8\n"
      "orr %3, %3, r5\n"
      : "+r"(samples), "+r"(weights), "+r"(weighed), "+r"(bits) : : "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "memory");
  }
#endif
  for (; count > 0; count -= 1, samples += 1, weights += 1, weighed += 1) {
    const int32_t product = qi_high_product(*samples, *weights);
    *weighed = product;
    bits |= (uint32_t)(product ^ product >> 31);
  }
  return bits;
}

#if QI_HAS_DSP

// Two numbers divided, in the halves of a word.
QI_INLINE int32_t pair(int32_t low, int32_t high, int32_t factor) {
  const int32_t first = qi_smmlar(low, factor, 0), second = qi_smmlar(high, factor, 0);
  return (int32_t)((uint32_t)(uint16_t)first | (uint32_t)second << 16);
}

void qi_folded(const int32_t *weighed, ptrdiff_t count, int32_t shift, int16_t *folded) {
  // A number times this has the quotient in its product's upper half.
  const int32_t factor = (int32_t)(1u << (32 - shift));
  const ptrdiff_t half = count >> 1, row = count >> 2;
  const int32_t *up = weighed, *down = weighed + count;
  const int32_t *const end = weighed + row;
  do {
    down -= 2;
    const int32_t a = pair(up[half], up[half + 1], factor), b = pair((down - half)[1], (down - half)[0], factor);
    const int32_t sum = __sadd16(a, b), difference = __ssub16(a, b);
    const int32_t c = pair(down[1], down[0], factor), d = pair(up[0], up[1], factor);
    const int32_t otherSum = __sadd16(c, d), otherDifference = __ssub16(c, d);
    qi_store4(folded, __qadd16(sum, otherSum));
    qi_store4(folded + row, __qsub16(difference, otherDifference));
    qi_store4(folded + 2 * row, __qsub16(sum, otherSum));
    qi_store4(folded + 3 * row, __qadd16(difference, otherDifference));
    up += 2;
    folded += 2;
  } while (up < end);
}

#else

// Divided by 2^shift, rounded with halves up.
QI_INLINE int32_t divided(int32_t number, int32_t shift) { return (number >> shift) + (number >> (shift - 1) & 1); }

void qi_folded(const int32_t *weighed, ptrdiff_t count, int32_t shift, int16_t *folded) {
  const ptrdiff_t half = count >> 1, row = count >> 2;
  for (ptrdiff_t m = 0; m < row; m += 1, folded += 1) {
    const int32_t a = divided(weighed[half + m], shift), b = divided(weighed[half - 1 - m], shift);
    const int32_t c = divided(weighed[count - 1 - m], shift), d = divided(weighed[m], shift);
    folded[0] = (int16_t)qi_limited_to_16((a + b) + (c + d));
    folded[row] = (int16_t)qi_limited_to_16((a - b) - (c - d));
    folded[2 * row] = (int16_t)qi_limited_to_16((a + b) - (c + d));
    folded[3 * row] = (int16_t)qi_limited_to_16((a - b) + (c - d));
  }
}

#endif

#if QI_HAS_DSP

// Bins of a window of 32 samples. `numbers` are the rows of the first bin, which lie up to `end` where it is odd; there is one
// bin at least.
static uint32_t bins_of_32(const int16_t *numbers, const int16_t *end, const int16_t *factors, ptrdiff_t left, int32_t *parts) {
  uint32_t bits = 0;
  do {
    __asm__ volatile(
      ".rept 2\n"
      "ldm %0!, {r4, r5, r6, r8}\n"
      "ldm %1!, {r9, r10, r11, r12}\n"
      "smuad r4, r4, r9\n"
      "smlad r4, r5, r10, r4\n"
      "smlad r4, r6, r11, r4\n"
      "smlad r4, r8, r12, r4\n"
      "str r4, [%2], #4\n"
      "eor r4, r4, r4, asr #31\n"
      "orr %3, %3, r4\n"
      ".endr\n"
      : "+r"(numbers), "+r"(factors), "+r"(parts), "+r"(bits) : : "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "memory");
    if (numbers == end) numbers -= 32;
  } while (--left > 0);
  return bits;
}

#endif

uint32_t qi_folded_bins(
  const int16_t *folded, ptrdiff_t count, const int16_t *factors, ptrdiff_t firstBin, ptrdiff_t binCount, int32_t *parts) {
#if QI_HAS_DSP
  if (count == 32) return bins_of_32(folded + (firstBin & 1) * 16, folded + 32, factors, binCount, parts);
#endif
  uint32_t bits = 0;
  for (ptrdiff_t bin = firstBin; bin < firstBin + binCount; bin += 1) {
    const int16_t *numbers = folded + (bin & 1) * (count >> 1);
    for (int part = 0; part < 2; part += 1, parts += 1) {
      int32_t sum = 0;
#if QI_HAS_DSP
      for (ptrdiff_t left = count >> 3; left > 0; left -= 1, numbers += 2, factors += 2) {
        sum = qi_smlad(qi_load4(numbers), qi_load4(factors), sum);
      }
#else
      for (ptrdiff_t left = count >> 2; left > 0; left -= 1) sum = (int32_t)((uint32_t)sum + (uint32_t)(*numbers++ * *factors++));
#endif
      *parts = sum;
      bits |= (uint32_t)(sum ^ sum >> 31);
    }
  }
  return bits;
}

// A level's code, not limited yet.
QI_INLINE int32_t code(int32_t levelQ16, int32_t codesPerPowerDoublingQ6, int32_t zeroLevelCode) {
#if QI_HAS_DSP
  return qi_smmlar(levelQ16, codesPerPowerDoublingQ6 << 10, zeroLevelCode);
#else
  return qi_doubled_high_product(levelQ16, codesPerPowerDoublingQ6 << 9) + zeroLevelCode;
#endif
}

void qi_level_codes(const int32_t *parts, ptrdiff_t binCount, const qi_levels *levels, int8_t *codes) {
  const qi_levels l = *levels;
  int8_t *const end = codes + binCount;
  do {
    const int32_t real = (int32_t)((uint32_t)parts[0] << l.shift), imaginary = (int32_t)((uint32_t)parts[1] << l.shift);
    uint32_t power = (uint32_t)qi_high_product(real, real) + (uint32_t)qi_high_product(imaginary, imaginary) + l.floorPower;
    if (power == 0) power = 1;
    const int32_t level = (int32_t)((uint32_t)qi_log2_q16(power) + (uint32_t)l.offsetLog2Q16);
    *codes++ = (int8_t)qi_ssat8(code(level < 0 ? 0 : level, l.codesPerPowerDoublingQ6, l.zeroLevelCode));
    parts += 2;
  } while (codes < end);
}
