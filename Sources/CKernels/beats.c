// What a beat is beside the patient's usual one, in few instructions: see BeatSamples and BeatTemplate. All sums wrap.
#include "dsp.h"

QI_INLINE uint32_t magnitude(int32_t number) { return number < 0 ? 0 - (uint32_t)number : (uint32_t)number; }

ptrdiff_t qi_peak(const int16_t *sensed, ptrdiff_t reach) {
  const int32_t level = (sensed[-16] + sensed[-12] + sensed[-8] + sensed[-4] + sensed[0] + sensed[4] + sensed[8] + sensed[12]) >> 3;
  const int16_t *peak = sensed - reach;
  int32_t greatest = -1;
#pragma clang loop unroll_count(2)
  for (const int16_t *sample = sensed - reach, *const end = sensed + reach; sample <= end; sample += 1) {
    const int32_t height = (int32_t)magnitude(*sample - level);
    if (height > greatest) {
      greatest = height;
      peak = sample;
    }
  }
  return peak - sensed;
}

// Both halves of a word, times one each.
enum { ones = 0x10001 };

uint32_t qi_pairs_distance(const int16_t *samples, const int32_t *usualQ4, ptrdiff_t count, int32_t usualSum) {
  int32_t sum = 0;
  const int16_t *const end = samples + 2 * count;
#pragma clang loop unroll_count(4)
  for (const int16_t *pair = samples; pair < end; pair += 2) sum = qi_smlad(qi_load4(pair), ones, sum);
  const int32_t mean = (int32_t)((uint32_t)sum - (uint32_t)usualSum) / (int32_t)count;
  const int32_t lessMean = (int32_t)(0 - (uint32_t)mean);
  uint32_t distance = 0;
#pragma clang loop unroll_count(4)
  for (const int16_t *pair = samples; pair < end; pair += 2, usualQ4 += 1) {
    const int32_t level = qi_smlad(qi_load4(pair), ones, lessMean);
    distance += magnitude((int32_t)((uint32_t)level - (uint32_t)(*usualQ4 >> 4)));
  }
  return distance;
}

void qi_scaled_codes(const int32_t *numbers, ptrdiff_t count, int32_t factor, int8_t *codes) {
  const int32_t *const end = numbers + count;
#pragma clang loop unroll_count(4)
  for (; numbers < end; numbers += 1, codes += 1) {
    *codes = (int8_t)qi_ssat8(qi_smmlar((int32_t)((uint32_t)*numbers << 10), factor, 0));
  }
}
