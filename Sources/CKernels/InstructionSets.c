#include "InstructionSets.h"

#if defined(__x86_64__)

// The C run time asks the processor and the operating system once, at start.
bool qi_has_instruction_set(qi_instruction_set set) {
  switch (set) {
    case qi_avx2:
      return __builtin_cpu_supports("avx2");
    case qi_avx512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni") && qi_has_instruction_set(qi_avx2);
    case qi_amx:
      return qi_has_instruction_set(qi_avx512) && qi_may_use_tiles();
    case qi_dsp:
    case qi_mve:
      return true;
    default:
      return false;
  }
}

qi_instruction_set qi_best_instruction_set(void) {
  if (qi_has_instruction_set(qi_amx)) return qi_amx;
  if (qi_has_instruction_set(qi_avx512)) return qi_avx512;
  return qi_has_instruction_set(qi_avx2) ? qi_avx2 : qi_portable;
}

// Whether a set has AVX-512's instructions.
static bool has512(qi_instruction_set set) { return set == qi_avx512 || set == qi_amx; }

static qi_matrix_product_function *matrixProduct(qi_instruction_set set) {
  return has512(set) ? qi_matrix_product_avx512 : qi_matrix_product_avx2;
}

static qi_depthwise_function *depthwise(qi_instruction_set set) {
  return has512(set) ? qi_depthwise_avx512 : qi_depthwise_avx2;
}

#elif defined(__aarch64__)

bool qi_has_instruction_set(qi_instruction_set set) { return set == qi_neon || set == qi_dsp || set == qi_mve; }

qi_instruction_set qi_best_instruction_set(void) { return qi_neon; }

static qi_matrix_product_function *matrixProduct(qi_instruction_set set) {
  (void)set;
  return qi_matrix_product_neon;
}

static qi_depthwise_function *depthwise(qi_instruction_set set) {
  (void)set;
  return qi_depthwise_neon;
}

#endif

#if defined(__x86_64__) || defined(__aarch64__)

bool qi_matrix_product_int8(
  qi_instruction_set set, qi_matrix_product product, int8_t *output, ptrdiff_t outputStride) {
  if (set == qi_dsp || set == qi_mve || !qi_has_instruction_set(set)) return false;
  matrixProduct(set)(&product, output, outputStride, false);
  return true;
}

bool qi_matrix_product_int16(
  qi_instruction_set set, qi_matrix_product product, int16_t *output, ptrdiff_t outputStride) {
  if (set == qi_dsp || set == qi_mve || !qi_has_instruction_set(set)) return false;
  matrixProduct(set)(&product, output, outputStride, true);
  return true;
}

// Whether the scratch memory holds one pixel at least, and no index leaves it.
static bool fitsScratch(const qi_depthwise *d) {
  if (d->channels < 1 || d->channels > qi_depthwise_codes) return false;
  if (d->rowTaps < 1 || d->columnTaps < 1 || d->columnStep < 1 || d->columnDilation < 1) return false;
  if (d->firstRowTap < 0 || d->endRowTap > d->rowTaps) return false;
  const ptrdiff_t pairs = ((ptrdiff_t)d->rowTaps + 1) / 2;
  const ptrdiff_t span = ((ptrdiff_t)d->columnTaps - 1) * d->columnDilation + 1;
  return span <= qi_depthwise_vectors && pairs * span <= qi_depthwise_vectors;
}

bool qi_depthwise_int8(
  qi_instruction_set set, qi_depthwise convolution, int8_t *output, ptrdiff_t outputStride) {
  if (set == qi_dsp || set == qi_mve || !qi_has_instruction_set(set) || !fitsScratch(&convolution)) return false;
  depthwise(set)(&convolution, output, outputStride);
  return true;
}

bool qi_convolution_int8(
  qi_instruction_set set, const qi_convolution *convolution, int8_t *scratch, ptrdiff_t scratchBytes, int8_t *output) {
#if defined(__x86_64__)
  if (!has512(set) || !qi_has_instruction_set(set)) return false;
  if (set == qi_amx && qi_convolution_amx(convolution, scratch, scratchBytes, output)) return true;
  const ptrdiff_t taps = (ptrdiff_t)convolution->time.taps * convolution->frequency.taps;
  if (scratchBytes < (taps * convolution->groupChannels + 3) / 4 * 4) return false;
  qi_convolution_avx512(convolution, scratch, scratchBytes, output);
  return true;
#else
  (void)set, (void)convolution, (void)scratch, (void)scratchBytes, (void)output;
  return false;
#endif
}

bool qi_depthwise_columns_int8(
  qi_instruction_set set, const qi_convolution *convolution, int8_t *scratch, ptrdiff_t scratchBytes, int8_t *output) {
#if defined(__x86_64__)
  if (!has512(set) || !qi_has_instruction_set(set)) return false;
  // A stream's columns may lie in the scratch themselves.
  const int8_t *const codes = convolution->columns;
  if (codes >= scratch && codes < scratch + scratchBytes) return false;
  return qi_depthwise_columns_avx512(convolution, scratch, scratchBytes, output);
#else
  (void)set, (void)convolution, (void)scratch, (void)scratchBytes, (void)output;
  return false;
#endif
}

bool qi_fully_connected_int8(
  qi_instruction_set set, const qi_matrix_product *product, const int8_t *first, ptrdiff_t firstCount,
  const int8_t *second, ptrdiff_t secondCount, int8_t *output) {
#if defined(__x86_64__)
  if (!has512(set) || !qi_has_instruction_set(set) || firstCount + secondCount < 1) return false;
  qi_fully_connected_avx512(product, first, firstCount, second, secondCount, output);
  return true;
#else
  (void)set, (void)product, (void)first, (void)firstCount, (void)second, (void)secondCount, (void)output;
  return false;
#endif
}

bool qi_elementwise_int8(qi_instruction_set set, const qi_elementwise *operands, int8_t *output) {
#if defined(__x86_64__)
  if (set == qi_dsp || set == qi_mve || !qi_has_instruction_set(set)) return false;
  if (has512(set)) {
    qi_elementwise_avx512(operands, output);
  } else {
    qi_elementwise_avx2(operands, output);
  }
  return true;
#else
  (void)set, (void)operands, (void)output;
  return false;
#endif
}

bool qi_pool_int8(qi_instruction_set set, qi_pool pool, int8_t *output) {
#if defined(__x86_64__)
  if (set == qi_dsp || set == qi_mve || !qi_has_instruction_set(set)) return false;
  if (pool.isMean && (pool.columns > 256 || pool.rows > 256 || pool.columns * pool.rows > 256)) return false;
  if (has512(set)) {
    qi_pool_avx512(&pool, output);
  } else {
    qi_pool_avx2(&pool, output);
  }
  return true;
#else
  (void)set, (void)pool, (void)output;
  return false;
#endif
}

bool qi_softmax_int8(qi_instruction_set set, const qi_softmax *softmax, int8_t *output) {
  if (set == qi_dsp || set == qi_mve || !qi_has_instruction_set(set)) return false;
  qi_softmax_by_table(softmax, output);
  return true;
}

#endif
