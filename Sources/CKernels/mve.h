// What the kernels for MVE share, on other processors in plain C: the same bits, so that a host can test every shape.
#pragma once
#include "CKernels.h"
#include "gathering.h"
#include "stretches.h"

// Two rows of bytes times blocks of four channels, as codes. The order is known to the assembly.
typedef struct qi_two_rows_of_codes_operands {
  const int8_t *_Nonnull rows[2];
  ptrdiff_t byteCount;  // of a block's weights up to the last whole four quads
  ptrdiff_t quads;      // behind them
  const int32_t *_Nonnull biases;
  const int32_t *_Nonnull multipliers;
  const int8_t *_Nonnull shifts;
  int8_t *_Nonnull outputs[2];
  const int8_t *_Nonnull weights;
  ptrdiff_t blocks;
  int32_t zeroPoint, minimum, maximum;
  const uint32_t *_Nonnull places;  // 0, 16, 32, 48
} qi_two_rows_of_codes_operands;

// Computes the codes; the operands are used up.
void qi_two_rows_of_codes(qi_two_rows_of_codes_operands *_Nonnull operands);

// A row times blocks of four channels, two blocks at a time, as codes. The order is known to the assembly.
typedef struct qi_row_times_pairs {
  const qi_stretch *_Nonnull stretches, *_Nonnull end;
  const int32_t *_Nonnull biases;
  const int32_t *_Nonnull multipliers;
  const int8_t *_Nonnull shifts;
  int8_t *_Nonnull output;
  ptrdiff_t pairs;
  const int8_t *_Nonnull weights;
  ptrdiff_t byteCount;  // of a block's weights
  int32_t zeroPoint, minimum, maximum;
  const uint32_t *_Nonnull places;  // 0, 16, 32, 48
} qi_row_times_pairs;

// Computes the codes; the operands are used up.
void qi_one_row_of_pairs(qi_row_times_pairs *_Nonnull operands);

// Adds a row times four channels to their sums; the weights' size is a multiple of four quads, and not 0.
void qi_one_row_by_sixteens(
  const int8_t *_Nonnull row, const int8_t *_Nonnull weights, const int8_t *_Nonnull end, int32_t sums[_Nonnull 4]);

// The same for up to three quads.
void qi_few_quads(
  const int8_t *_Nonnull row, const int8_t *_Nonnull weights, ptrdiff_t quads, int32_t sums[_Nonnull 4]);

// The biases of four channels; those beyond the last one have any value.
QI_INLINE void qi_load_biases(const qi_requantization *_Nonnull r, ptrdiff_t channel, int32_t *_Nonnull sums) {
#if QI_HAS_MVE
  vstrwq_s32(sums, vldrwq_s32(r->biases + channel));
#else
  for (int index = 0; index < 4; index += 1) sums[index] = r->biases[channel + index];
#endif
}

// The codes of up to four sums, by the requantization of CKernels.h to the letter.
QI_INLINE void qi_vector_codes(
  const qi_requantization *_Nonnull r, ptrdiff_t channel, ptrdiff_t count, const int32_t *_Nonnull sums,
  int8_t *_Nonnull output) {
#if QI_HAS_MVE
  const int32x4_t shifts = vldrbq_s32(r->shifts + channel), zero = vdupq_n_s32(0);
  const int32x4_t left = vmaxq_s32(shifts, zero), right = vminq_s32(shifts, zero);
  int32x4_t x = vshlq_s32(vldrwq_s32(sums), left);
  x = vqrdmulhq_s32(x, vldrwq_s32(r->multipliers + channel));
  // Halves are rounded away from zero: a negative number counts as one less where there is a shift.
  x = vqaddq_s32(x, vshrq_n_s32(vandq_s32(x, right), 31));
  x = vaddq_n_s32(vrshlq_s32(x, right), r->zeroPoint);
  x = vminq_s32(vmaxq_s32(x, vdupq_n_s32(r->minimum)), vdupq_n_s32(r->maximum));
  vstrbq_p_s32(output, x, vctp32q((uint32_t)count));
#else
  for (ptrdiff_t index = 0; index < count; index += 1) {
    const int32_t shift = r->shifts[channel + index];
    const int32_t shifted = (int32_t)((uint32_t)sums[index] << (shift > 0 ? shift : 0));
    const int32_t high = (int32_t)(((int64_t)shifted * r->multipliers[channel + index] + (1ll << 30)) >> 31);
    const int64_t away = (int64_t)high - (high < 0 && shift < 0);
    const int32_t scaled = shift < 0 ? (int32_t)((away + (1ll << (-1 - shift))) >> -shift) : high;
    const int32_t code = (int32_t)((uint32_t)scaled + (uint32_t)r->zeroPoint);
    output[index] = (int8_t)(code < r->minimum ? r->minimum : code > r->maximum ? r->maximum : code);
  }
#endif
}
