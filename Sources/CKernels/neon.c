// NEON (64-bit ARM): vectors of 4 sums.
#if defined(__aarch64__)
#include "InstructionSets.h"
#include <arm_neon.h>
#include <string.h>

// MARK: Requantization

// The constants of 4 output channels.
typedef struct {
  int32x4_t multiplier, leftShift, rightShift;  // Right shifts are negative, as vrshlq_s32 takes them.
} Scales;

ALWAYS_INLINE Scales loadScales(const qi_requantization *r, ptrdiff_t c) {
  uint32_t shifts;
  __builtin_memcpy(&shifts, r->shifts + c, 4);
  const int32x4_t shift = vmovl_s16(vget_low_s16(vmovl_s8(vcreate_s8(shifts)))), zero = vdupq_n_s32(0);
  return (Scales){vld1q_s32(r->multipliers + c), vmaxq_s32(shift, zero), vminq_s32(shift, zero)};
}

// The codes of 4 sums that include the biases.
ALWAYS_INLINE int32x4_t requantized(int32x4_t sum, Scales scales, const qi_requantization *r) {
  const int32x4_t y = vqrdmulhq_s32(vshlq_s32(sum, scales.leftShift), scales.multiplier);
  // vrshlq_s32 rounds halves up; 1 less makes it round those below 0 down.
  const int32x4_t minus1Below0 = vshrq_n_s32(vandq_s32(y, scales.rightShift), 31);
  const int32x4_t z = vrshlq_s32(vaddq_s32(y, minus1Below0), scales.rightShift);
  const int32x4_t code = vaddq_s32(z, vdupq_n_s32(r->zeroPoint));
  return vminq_s32(vmaxq_s32(code, vdupq_n_s32(r->minimum)), vdupq_n_s32(r->maximum));
}

// MARK: Matrix product

// The sums of `rows` rows with the 4 channels of a block. A multiplication takes 4 inputs of one channel.
ALWAYS_INLINE void sumTile(
  const int rows, const int16_t *patches, ptrdiff_t patchStride, ptrdiff_t quads, const int8_t *weights,
  int32x4_t biases, int32x4_t *sums) {
  int32x4_t partial[4][4];
  for (int r = 0; r < rows; r++) {
    for (int c = 0; c < 4; c++) {
      partial[r][c] = vdupq_n_s32(0);
    }
  }
  for (ptrdiff_t q = 0; q < quads; q++) {
    const int8x16_t packed = vld1q_s8(weights + 16 * q);
    const int16x8_t channels01 = vmovl_s8(vget_low_s8(packed)), channels23 = vmovl_high_s8(packed);
    for (int r = 0; r < rows; r++) {
      const int16x4_t quad = vld1_s16(patches + r * patchStride + 4 * q);
      const int16x8_t twice = vcombine_s16(quad, quad);
      partial[r][0] = vmlal_s16(partial[r][0], quad, vget_low_s16(channels01));
      partial[r][1] = vmlal_high_s16(partial[r][1], twice, channels01);
      partial[r][2] = vmlal_s16(partial[r][2], quad, vget_low_s16(channels23));
      partial[r][3] = vmlal_high_s16(partial[r][3], twice, channels23);
    }
  }
  for (int r = 0; r < rows; r++) {
    const int32x4_t sum = vpaddq_s32(
      vpaddq_s32(partial[r][0], partial[r][1]), vpaddq_s32(partial[r][2], partial[r][3]));
    sums[r] = vaddq_s32(sum, biases);
  }
}

// Stores the first `count` of 4 codes, as 8 or 16 bits each.
ALWAYS_INLINE void store4(int32x4_t codes, bool isWide, void *output, ptrdiff_t place, ptrdiff_t count) {
  const int16x4_t words = vmovn_s32(codes);
  const int8x8_t bytes = vmovn_s16(vcombine_s16(words, words));
  void *target = isWide ? (void *)((int16_t *)output + place) : (int8_t *)output + place;
  const void *source = isWide ? (const void *)&words : &bytes;
  const size_t size = isWide ? 2 : 1;
  if (__builtin_expect(count >= 4, true)) {
    memcpy(target, source, 4 * size);
  } else {
    memcpy(target, source, (size_t)count * size);
  }
}

ALWAYS_INLINE void computeTile(
  const int rows, const qi_matrix_product *p, ptrdiff_t row, ptrdiff_t c, Scales scales, void *output,
  ptrdiff_t outputStride, bool isWide) {
  const qi_requantization *r = &p->requantization;
  int32x4_t sums[4];
  sumTile(
    rows, p->patches + row * p->patchStride, p->patchStride, p->quads, p->weights + 4 * c * p->quads,
    vld1q_s32(r->biases + c), sums);
  for (int i = 0; i < rows; i++) {
    store4(requantized(sums[i], scales, r), isWide, output, (row + i) * outputStride + c, p->channels - c);
  }
}

void qi_matrix_product_neon(const qi_matrix_product *product, void *output, ptrdiff_t outputStride, bool isWide) {
  const qi_matrix_product p = *product;
  for (ptrdiff_t c = 0; c < p.channels; c += 4) {
    const Scales scales = loadScales(&p.requantization, c);
    ptrdiff_t row = 0;
    for (; row + 4 <= p.rows; row += 4) {
      computeTile(4, &p, row, c, scales, output, outputStride, isWide);
    }
    for (; row < p.rows; row++) {
      computeTile(1, &p, row, c, scales, output, outputStride, isWide);
    }
  }
}

// MARK: Depthwise convolution

// Where the taps of a pixel lie; `outside` stands in for cells outside the input.
static void locateCells(const qi_depthwise *d, ptrdiff_t pixel, const int8_t *outside, const int8_t **cells) {
  for (ptrdiff_t i = 0; i < d->rowTaps; i++) {
    for (ptrdiff_t j = 0; j < d->columnTaps; j++) {
      const ptrdiff_t column = d->firstColumn + pixel * d->columnStep + j * d->columnDilation;
      const bool isInside = i >= d->firstRowTap && i < d->endRowTap && column >= 0 && column < d->columnCount;
      *cells++ = isInside ? d->input + i * d->rowStride + column * d->columnStride : outside;
    }
  }
}

// The first `count` of 8 bytes, and zeros.
ALWAYS_INLINE int8x8_t loadBytes(const int8_t *source, ptrdiff_t count) {
  if (__builtin_expect(count >= 8, true)) return vld1_s8(source);
  int8_t bytes[8] = {0};
  memcpy(bytes, source, (size_t)count);
  return vld1_s8(bytes);
}

void qi_depthwise_neon(const qi_depthwise *convolution, int8_t *output, ptrdiff_t outputStride) {
  const qi_depthwise d = *convolution;
  const qi_requantization *r = &d.requantization;
  const int8_t *cells[2 * qi_depthwise_vectors];
  int8_t outside[qi_depthwise_codes];
  memset(outside, d.inputZeroPoint, (size_t)d.channels);
  for (ptrdiff_t pixel = 0; pixel < d.pixels; pixel++, output += outputStride) {
    locateCells(&d, pixel, outside, cells);
    for (ptrdiff_t c = 0; c < d.channels; c += 8) {
      const ptrdiff_t count = d.channels - c, high = count > 4 ? c + 4 : c;
      int32x4_t lowSum = vld1q_s32(r->biases + c), highSum = vld1q_s32(r->biases + high);
      const int8_t **cell = cells;
      for (ptrdiff_t i = 0; i < d.rowTaps; i++) {
        const int8_t *weights = d.weights + i * d.weightRowStride + c;
        for (ptrdiff_t j = 0; j < d.columnTaps; j++, weights += d.weightColumnStride) {
          const int16x8_t products = vmull_s8(loadBytes(*cell++ + c, count), loadBytes(weights, count));
          lowSum = vaddw_s16(lowSum, vget_low_s16(products));
          highSum = vaddw_high_s16(highSum, products);
        }
      }
      store4(requantized(lowSum, loadScales(r, c), r), false, output, c, count);
      if (count > 4) {
        store4(requantized(highSum, loadScales(r, high), r), false, output, high, count - 4);
      }
    }
  }
}
#endif
