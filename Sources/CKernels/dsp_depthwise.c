// Depthwise convolutions for processors with ARM's DSP extension.
#include "CKernels.h"

#if QI_DSP_KERNELS

#include "dsp.h"

// Adds a tap's products to four channels' sums.
#define QI_TAP(sums, codes)                        \
  do {                                             \
    const int32_t word = (codes);                  \
    const int32_t evenCodes = qi_sxtb16(word);     \
    const int32_t oddCodes = qi_sxtb16_odd(word);  \
    sums##0 = qi_smlabb(evenCodes, even, sums##0); \
    sums##1 = qi_smlabb(oddCodes, odd, sums##1);   \
    sums##2 = qi_smlatt(evenCodes, even, sums##2); \
    sums##3 = qi_smlatt(oddCodes, odd, sums##3);   \
  } while (0)

// Four channels of a pixel, and of the next one where `isPair`, into `outputs` and `outputStride` behind it.
QI_INLINE void depthwiseFour(
  const qi_depthwise *d, ptrdiff_t channel, int32_t firstColumn, const bool isPair, int8_t *outputs,
  ptrdiff_t outputStride) {
  const int32_t padding = (int32_t)(0x01010101u * (uint8_t)d->inputZeroPoint);
  const int32_t *const biases = d->requantization.biases + channel;
  int32_t a0 = biases[0], a1 = biases[1], a2 = biases[2], a3 = biases[3];
  int32_t b0 = a0, b1 = a1, b2 = a2, b3 = a3;
  const ptrdiff_t step = d->columnStep * d->columnStride;
  const ptrdiff_t tapDistance = d->columnDilation * d->columnStride, weightDistance = d->weightColumnStride;
  const int32_t lastColumn = firstColumn + (d->columnTaps - 1) * d->columnDilation + (isPair ? d->columnStep : 0);
  const bool areColumnsInside = firstColumn >= 0 && lastColumn < d->columnCount;
  for (int32_t i = 0; i < d->rowTaps; i += 1) {
    const bool isInside = i >= d->firstRowTap && i < d->endRowTap;
    const int8_t *cell = d->input + (i * d->rowStride + firstColumn * d->columnStride + channel);
    const int8_t *weight = d->weights + (i * d->weightRowStride + channel);
    if (isInside && areColumnsInside) {
#pragma clang loop unroll(disable)
      for (int32_t j = d->columnTaps; j > 0; j -= 1) {
        const int32_t weights = qi_load4(weight);
        const int32_t even = qi_sxtb16(weights), odd = qi_sxtb16_odd(weights);
        QI_TAP(a, qi_load4(cell));
        if (isPair) QI_TAP(b, qi_load4(cell + step));
        cell += tapDistance;
        weight += weightDistance;
      }
    } else {
      int32_t column = isInside ? firstColumn : INT32_MIN / 2;
#pragma clang loop unroll(disable)
      for (int32_t j = d->columnTaps; j > 0; j -= 1) {
        const int32_t weights = qi_load4(weight);
        const int32_t even = qi_sxtb16(weights), odd = qi_sxtb16_odd(weights);
        QI_TAP(a, (uint32_t)column < (uint32_t)d->columnCount ? qi_load4(cell) : padding);
        if (isPair) {
          const bool isCode = (uint32_t)(column + d->columnStep) < (uint32_t)d->columnCount;
          QI_TAP(b, isCode ? qi_load4(cell + step) : padding);
        }
        column += d->columnDilation;
        cell += tapDistance;
        weight += weightDistance;
      }
    }
  }
  const qi_requantization constants = d->requantization;
  outputs[0] = (int8_t)qi_code(&constants, channel, a0);
  outputs[1] = (int8_t)qi_code(&constants, channel + 1, a1);
  outputs[2] = (int8_t)qi_code(&constants, channel + 2, a2);
  outputs[3] = (int8_t)qi_code(&constants, channel + 3, a3);
  if (!isPair) return;
  outputs[outputStride] = (int8_t)qi_code(&constants, channel, b0);
  outputs[outputStride + 1] = (int8_t)qi_code(&constants, channel + 1, b1);
  outputs[outputStride + 2] = (int8_t)qi_code(&constants, channel + 2, b2);
  outputs[outputStride + 3] = (int8_t)qi_code(&constants, channel + 3, b3);
}

__attribute__((noinline)) static void depthwisePair(
  const qi_depthwise *d, ptrdiff_t channel, int32_t firstColumn, int8_t *outputs, ptrdiff_t outputStride) {
  depthwiseFour(d, channel, firstColumn, true, outputs, outputStride);
}

__attribute__((noinline)) static void depthwiseSingle(
  const qi_depthwise *d, ptrdiff_t channel, int32_t firstColumn, int8_t *outputs) {
  depthwiseFour(d, channel, firstColumn, false, outputs, 0);
}

// One channel of one pixel.
static int8_t depthwiseOne(const qi_depthwise *d, ptrdiff_t channel, int32_t firstColumn) {
  int32_t sum = d->requantization.biases[channel];
  for (int32_t i = 0; i < d->rowTaps; i += 1) {
    for (int32_t j = 0; j < d->columnTaps; j += 1) {
      const int32_t column = firstColumn + j * d->columnDilation;
      const bool isInside = i >= d->firstRowTap && i < d->endRowTap && column >= 0 && column < d->columnCount;
      const int32_t code =
        isInside ? d->input[i * d->rowStride + column * d->columnStride + channel] : d->inputZeroPoint;
      sum = (int32_t)((uint32_t)sum +
                      (uint32_t)(code * d->weights[i * d->weightRowStride + j * d->weightColumnStride + channel]));
    }
  }
  return (int8_t)qi_code(&d->requantization, channel, sum);
}

bool qi_depthwise_dsp(qi_depthwise convolution, int8_t *output, ptrdiff_t outputStride) {
  enum { greatest = 128 };
  const qi_depthwise *const d = &convolution;
  const ptrdiff_t fours = d->channels & ~(ptrdiff_t)3;
  // A second pixel's codes wait here until the first one's inputs are not needed any more.
  int8_t codes[2 * greatest];
  for (ptrdiff_t pixel = 0; pixel < d->pixels;) {
    const int count = pixel + 2 <= d->pixels && d->channels <= greatest ? 2 : 1;
    const int32_t column = d->firstColumn + (int32_t)pixel * d->columnStep;
    int8_t *const outputs = output + pixel * outputStride;
    if (count == 2) {
      for (ptrdiff_t channel = 0; channel < fours; channel += 4) {
        depthwisePair(d, channel, column, codes + channel, greatest);
      }
      for (ptrdiff_t channel = fours; channel < d->channels; channel += 1) {
        codes[channel] = depthwiseOne(d, channel, column);
        codes[greatest + channel] = depthwiseOne(d, channel, column + d->columnStep);
      }
      for (ptrdiff_t channel = 0; channel < d->channels; channel += 1) {
        outputs[channel] = codes[channel];
        outputs[outputStride + channel] = codes[greatest + channel];
      }
    } else {
      for (ptrdiff_t channel = 0; channel < fours; channel += 4) {
        depthwiseSingle(d, channel, column, outputs + channel);
      }
      for (ptrdiff_t channel = fours; channel < d->channels; channel += 1) {
        outputs[channel] = depthwiseOne(d, channel, column);
      }
    }
    pixel += count;
  }
  return true;
}

#endif
