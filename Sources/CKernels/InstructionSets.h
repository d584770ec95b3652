// What the file of each instruction set offers; InstructionSets.c checks the arguments and chooses.
#pragma once
#include "CKernels.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

#pragma clang assume_nonnull begin

typedef void qi_matrix_product_function(
  const qi_matrix_product *product, void *output, ptrdiff_t outputStride, bool isWide);
typedef void qi_depthwise_function(const qi_depthwise *convolution, int8_t *output, ptrdiff_t outputStride);

qi_matrix_product_function qi_matrix_product_avx2, qi_matrix_product_avx512, qi_matrix_product_neon;
qi_depthwise_function qi_depthwise_avx2, qi_depthwise_avx512, qi_depthwise_neon;
void qi_elementwise_avx2(const qi_elementwise *operands, int8_t *output);
void qi_pool_avx2(const qi_pool *pool, int8_t *output);
void qi_softmax_by_table(const qi_softmax *softmax, int8_t *output);
bool qi_convolution_amx(const qi_convolution *convolution, int8_t *scratch, ptrdiff_t scratchBytes, int8_t *output);
bool qi_depthwise_columns_avx512(
  const qi_convolution *convolution, int8_t *scratch, ptrdiff_t scratchBytes, int8_t *output);
void qi_pool_avx512(const qi_pool *pool, int8_t *output);
void qi_elementwise_avx512(const qi_elementwise *operands, int8_t *output);
void qi_convolution_avx512(
  const qi_convolution *convolution, int8_t *scratch, ptrdiff_t scratchBytes, int8_t *output);
void qi_fully_connected_avx512(
  const qi_matrix_product *product, const int8_t *first, ptrdiff_t firstCount, const int8_t *second,
  ptrdiff_t secondCount, int8_t *output);

// Whether the program may use AMX's tiles: asks the processor, and once the operating system.
bool qi_may_use_tiles(void);

// The scratch memory of a depthwise convolution, which lies on the stack. A vector holds two taps of a column in up to 16
// channels, or four.
enum { qi_depthwise_vectors = 256, qi_depthwise_codes = 2048 };

#pragma clang assume_nonnull end
