// The inner loops of integer inference in vector instructions, for processors that have them.
//
// Every function is told the instruction set to use. It returns false, having touched nothing, where the program or
// the machine lacks that set or where a stated limit is exceeded; the caller then runs its portable loop. The results
// are the same bits with every set. No function allocates, keeps state beside what the machine has, or calls a library. Pointers may have any
// alignment; strides count elements.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "logarithm.h"
#include "products.h"

#pragma clang assume_nonnull begin

// A number of 32 bits, with -fshort-enums as well.
typedef enum qi_instruction_set : uint32_t {
  qi_portable = 0,  // none of those below
  qi_avx2 = 1,
  qi_avx512 = 2,  // F, BW, VL and VNNI
  qi_neon = 3,    // 64-bit ARM
  qi_dsp = 4,     // 32-bit ARM with the DSP extension; elsewhere in plain C, to be tested
  qi_mve = 5,     // 32-bit ARM with the vector extension for microcontrollers; elsewhere likewise
  qi_amx = 6,     // qi_avx512 and AMX's tiles of bytes, which a program on Linux asks for when it asks for the set
} qi_instruction_set;

// The bits of a word in the other order.
static inline __attribute__((always_inline)) uint32_t qi_bit_reversed(uint32_t word) {
  return __builtin_bitreverse32(word);
}

// A number limited to 16 bits.
static inline __attribute__((always_inline)) int32_t qi_limited_to_16(int32_t number) {
#if defined(__arm__) && __ARM_ARCH >= 7
  int32_t limited;
  __asm__("ssat %0, #16, %1" : "=r"(limited) : "r"(number));
  return limited;
#else
  return number < INT16_MIN ? INT16_MIN : number > INT16_MAX ? INT16_MAX : number;
#endif
}

// MARK: - Operators

// How the 32-bit sum of output channel o becomes an output code, all steps wrapping at 32 bits:
//   x = (sum + biases[o]) << max(shifts[o], 0)
//   y = floor((x * multipliers[o] + 2^30) / 2^31)
//   z = y / 2^max(-shifts[o], 0), rounded to the nearest integer, halves away from zero
//   code = min(max(z + zeroPoint, minimum), maximum)
// A multiplier is 0 or in 2^30 ... 2^31 - 1, a shift in -31 ... 30. minimum <= maximum, and the output's type holds
// both. The three arrays have as many elements as there are channels, rounded up to a multiple of 4; the elements
// beyond the channels may have any value.
typedef struct qi_requantization {
  const int32_t *biases;
  const int32_t *multipliers;
  const int8_t *shifts;
  int32_t zeroPoint;
  int32_t minimum;
  int32_t maximum;
} qi_requantization;

// The product of patches `[rows, 4 * quads]` with the transposed weights `[channels, 4 * quads]`.
typedef struct qi_matrix_product {
  // Row r is patches[r * patchStride ..< r * patchStride + 4 * quads]; nothing else is read.
  const int16_t *patches;
  ptrdiff_t rows;
  ptrdiff_t patchStride;
  // Blocks of 4 channels, 16 * quads bytes each, as many as the channels begin: the weight of channel 4b + c and
  // input 4q + j is weights[16 * quads * b + 16 * q + 4 * c + j].
  const int8_t *weights;
  ptrdiff_t quads;
  ptrdiff_t channels;
  qi_requantization requantization;
} qi_matrix_product;

// How a window moves along one dimension: tap j of output cell p lies on p * stride - padding + j * dilation.
typedef struct qi_window_step {
  int32_t taps;
  int32_t stride;
  int32_t dilation;
  int32_t padding;
} qi_window_step;

// A convolution for a run of output cells. A cell has a value a channel, a column is `rowCount` cells; columns lie in a ring.
typedef struct qi_convolution {
  const int8_t *columns;
  int32_t capacity;     // The ring's, in columns.
  int32_t start;        // The place of column 0.
  int32_t columnCount;  // The columns from there on; what lies beyond them is padding.
  int32_t rowCount;
  int32_t channels;
  int32_t groupChannels;  // The channels that an output channel reads; the groups share the output channels evenly.
  qi_window_step time;    // Along columns.
  qi_window_step frequency;
  int8_t inputZeroPoint;  // What a tap outside the input reads.
  // For each group blocks as a qi_matrix_product has them; the order of inputs is [column tap, row tap, channel].
  const int8_t *weights;
  // The output cells: so many, the first one at row 0 of this column.
  int32_t firstColumn;
  int32_t outputRowCount;
  int32_t cellCount;
  int32_t outputChannels;
  qi_requantization requantization;
} qi_convolution;

// A depthwise convolution (one output channel an input channel) for a run of pixels along either axis of the input:
// along it lie columns, across it rows. A cell has one value a channel.
//
// Tap (i, j) of pixel p, with i in 0 ..< rowTaps and j in 0 ..< columnTaps, lies on the cell that starts at
// input + i * rowStride + (firstColumn + p * columnStep + j * columnDilation) * columnStride. It is inside the input
// if i is in firstRowTap ..< endRowTap and the column (the term in parentheses) in 0 ..< columnCount; only then is the
// cell read. So `input` itself may lie outside.
typedef struct qi_depthwise {
  const int8_t *input;
  ptrdiff_t rowStride;  // From a tap to the next, dilation included.
  ptrdiff_t columnStride;
  int32_t rowTaps;
  int32_t columnTaps;
  int32_t firstRowTap;
  int32_t endRowTap;
  int32_t columnCount;
  int32_t firstColumn;  // May be negative.
  int32_t columnStep;
  int32_t columnDilation;
  int8_t inputZeroPoint;  // What a tap outside the input reads.
  // The weights of tap (i, j) start at weights + i * weightRowStride + j * weightColumnStride, one a channel.
  const int8_t *weights;
  ptrdiff_t weightRowStride;
  ptrdiff_t weightColumnStride;
  ptrdiff_t channels;
  ptrdiff_t pixels;
  qi_requantization requantization;
} qi_depthwise;

// What becomes of two codes.
typedef enum qi_operation : uint32_t {
  qi_sum = 0,
  qi_difference = 1,
  qi_product = 2,
  qi_maximum = 3,
  qi_minimum = 4,
} qi_operation;

// How a number of 32 bits is scaled: x to z as qi_requantization says.
typedef struct qi_factor {
  int32_t multiplier;
  int32_t shift;
} qi_factor;

// Two tensors of int8, code by code, all steps wrapping at 32 bits: with x = first[i] - firstZeroPoint and y likewise
//   value = x * y, or, scaled by its input's factor, x << leftShift plus or minus y << leftShift
//   output[i] = min(max(value scaled by resultFactor + zeroPoint, minimum), maximum)
// or the greater or lesser of first[i] and second[i], within the same limits. Where an input repeats, its first code stands
// for all. leftShift is in 0 ... 20; minimum <= maximum, and int8 holds both.
// So for `rows` rows of `count` codes: outputs lie one behind the other, a row's inputs that far behind the last row's.
typedef struct qi_elementwise {
  qi_operation operation;
  const int8_t *first;
  const int8_t *second;
  bool firstRepeats;
  bool secondRepeats;
  ptrdiff_t count;
  ptrdiff_t rows;
  ptrdiff_t firstRowStride;
  ptrdiff_t secondRowStride;
  int32_t firstZeroPoint;
  int32_t secondZeroPoint;
  int32_t leftShift;
  qi_factor firstFactor;
  qi_factor secondFactor;
  qi_factor resultFactor;
  int32_t zeroPoint;
  int32_t minimum;
  int32_t maximum;
} qi_elementwise;

// The cells under a window: `columns` times `rows` of them, both 1 at least. A row's cell lies `channels` bytes behind the
// last one. Of each channel the mean, rounded half away from zero, or the greatest; then limited to minimum ... maximum.
// So for `cells` output cells, each window `cellStride` bytes behind the last one.
typedef struct qi_pool {
  const int8_t *input;
  ptrdiff_t columnStride;
  int32_t columns;
  int32_t rows;
  ptrdiff_t channels;
  ptrdiff_t cells;
  ptrdiff_t cellStride;
  bool isMean;
  int32_t minimum;
  int32_t maximum;
} qi_pool;

// Rows of `count` codes of int8, 4095 at most, one behind the other. Of each the shares of the exponentials, in gemmlowp's
// arithmetic: a code's exponential is that of its difference from the row's greatest code, scaled by the factor to Q5.26,
// and 0 where the difference is less than the least.
typedef struct qi_softmax {
  const int8_t *input;
  ptrdiff_t rows;
  ptrdiff_t count;
  qi_factor factor;
  int32_t leastDifference;
} qi_softmax;

#if (defined(__arm__) && defined(__ARM_FEATURE_DSP)) || !(defined(__arm__) || defined(__riscv))
#define QI_DSP_KERNELS 1

// As qi_convolution says. Gathers the inputs of two output cells at a time in the scratch: as many numbers as a cell's sum
// has, rounded up to a multiple of 4, for each of both. So the output may overlap the input if no cell's output lies on an
// input of a later cell.
//
// False where weights or scratch are not aligned to 4 bytes.
bool qi_convolution_dsp(const qi_convolution *convolution, int16_t *scratch, int8_t *output);

// The product of one row with the transposed weights; the row's inputs lie in two stretches, one after the other, and
// `patches`, `rows` and `quads` mean nothing. Where there is a scratch, of as many numbers as there are inputs, rounded up to a
// multiple of 4, then more than a few channels find the row widened there once for all of them.
//
// False where weights or scratch are not aligned to 4 bytes, or there are no inputs.
bool qi_fully_connected_dsp(
  const qi_matrix_product *product, const int8_t *first, ptrdiff_t firstCount, const int8_t *second,
  ptrdiff_t secondCount, int16_t *_Nullable scratch, int8_t *output);

// As qi_convolution_dsp, for MVE. The scratch needs half the size.
bool qi_convolution_mve(const qi_convolution *convolution, int8_t *scratch, int8_t *output);

// As qi_fully_connected_dsp, without scratch.
bool qi_fully_connected_mve(
  const qi_matrix_product *product, const int8_t *first, ptrdiff_t firstCount, const int8_t *second,
  ptrdiff_t secondCount, int8_t *output);

// One stage of a Fourier transform of `count` complex numbers in place: butterflies of those `half` apart, as RealFFT has
// them; returns the greatest magnitude that it wrote. Data and twiddles are aligned to 4 bytes.
int32_t qi_fft_stage_dsp(int16_t *data, ptrdiff_t count, ptrdiff_t half, const int16_t *twiddles, int32_t shift);

// As qi_depthwise_int8, of any size; takes 512 bytes of stack beside its own.
bool qi_depthwise_dsp(const qi_depthwise *convolution, int8_t *output, ptrdiff_t outputStride);

// The same for MVE; as `qi_depthwise_dsp` where there are more than 32 taps, otherwise it takes 512 bytes of stack too.
bool qi_depthwise_mve(const qi_depthwise *convolution, int8_t *output, ptrdiff_t outputStride);

#else
#define QI_DSP_KERNELS 0

// Processors without the extension that are too small to test it.
static inline bool qi_convolution_dsp(const qi_convolution *convolution, int16_t *scratch, int8_t *output) { return false; }

static inline bool qi_fully_connected_dsp(
  const qi_matrix_product *product, const int8_t *first, ptrdiff_t firstCount, const int8_t *second,
  ptrdiff_t secondCount, int16_t *_Nullable scratch, int8_t *output) { return false; }

static inline bool qi_depthwise_dsp(const qi_depthwise *convolution, int8_t *output, ptrdiff_t outputStride) { return false; }

static inline bool qi_depthwise_mve(const qi_depthwise *convolution, int8_t *output, ptrdiff_t outputStride) { return false; }

static inline bool qi_convolution_mve(const qi_convolution *convolution, int8_t *scratch, int8_t *output) { return false; }

static inline bool qi_fully_connected_mve(
  const qi_matrix_product *product, const int8_t *first, ptrdiff_t firstCount, const int8_t *second,
  ptrdiff_t secondCount, int8_t *output) { return false; }

static inline int32_t qi_fft_stage_dsp(
  int16_t *data, ptrdiff_t count, ptrdiff_t half, const int16_t *twiddles, int32_t shift) { return 0; }

#endif

#if defined(__x86_64__) || defined(__aarch64__)

// The fastest set that the program and this machine have. Cheap: no need to remember it.
qi_instruction_set qi_best_instruction_set(void);

// Whether the program and this machine have the set; false of qi_portable.
bool qi_has_instruction_set(qi_instruction_set set);

// output[r * outputStride + o] = requantized sum of row r's products with channel o's weights, wrapping at 32 bits.
//
// Writes output[r * outputStride ..< r * outputStride + channels] of each row and nothing else; the output may not
// overlap what is read.
bool qi_matrix_product_int8(
  qi_instruction_set set, qi_matrix_product product, int8_t *output, ptrdiff_t outputStride);

// As qi_matrix_product_int8, with 16-bit codes.
bool qi_matrix_product_int16(
  qi_instruction_set set, qi_matrix_product product, int16_t *output, ptrdiff_t outputStride);

// output[p * outputStride + c] = requantized sum over the taps of pixel p's inputs times weights in channel c, for p in
// 0 ..< pixels and c in 0 ..< channels.
//
// Writes output[p * outputStride ..< p * outputStride + channels] of each pixel and nothing else. Pixels are finished
// one after the other: the output may overlap the input if no pixel's output lies on an input of itself or of a later
// pixel. Takes 45 KB of stack. False above 2048 channels, where
// (rowTaps + 1) / 2 * ((columnTaps - 1) * columnDilation + 1) > 256, where taps, step or dilation are below 1, and
// where firstRowTap ..< endRowTap leaves 0 ..< rowTaps.
bool qi_depthwise_int8(
  qi_instruction_set set, qi_depthwise convolution, int8_t *output, ptrdiff_t outputStride);

// As qi_convolution says: gathers as many output cells' inputs at a time as the scratch has room for, and then writes
// their codes, so that the output may overlap the input if no cell's output lies on an input of a later cell. Only AVX-512
// and AMX have it. False where the scratch has no room for a cell.
bool qi_convolution_int8(
  qi_instruction_set set, const qi_convolution *convolution, int8_t *scratch, ptrdiff_t scratchBytes, int8_t *output);

// The same of one output channel an input channel: a group has one channel, and its weights are those of a tap one a channel,
// the taps in the order of inputs. False where a column finds no room in the scratch or lies there itself, of more than 64
// taps, and where windows step over cells that don't fill vectors of 64 codes: qi_depthwise_int8 serves these.
bool qi_depthwise_columns_int8(
  qi_instruction_set set, const qi_convolution *convolution, int8_t *scratch, ptrdiff_t scratchBytes, int8_t *output);

// The product of one row with the transposed weights, as qi_fully_connected_dsp has it. Only AVX-512 and AMX have it. False
// where there are no inputs.
bool qi_fully_connected_int8(
  qi_instruction_set set, const qi_matrix_product *product, const int8_t *first, ptrdiff_t firstCount,
  const int8_t *second, ptrdiff_t secondCount, int8_t *output);

// Writes output[0 ..< rows * count], in order: it may overlap an input if no code's output lies on an input of a later one.
// Only x86-64 has it.
bool qi_elementwise_int8(qi_instruction_set set, const qi_elementwise *operands, int8_t *output);

// Writes output[0 ..< cells * channels], cell by cell: it may overlap the input where the window has a single cell, or if no
// cell's output lies on an input of itself or of a later cell. Only x86-64 has it. False of a mean of more than 256 cells.
bool qi_pool_int8(qi_instruction_set set, qi_pool pool, int8_t *output);

// Writes output[0 ..< rows * count], a code 256 times its share less 128; it may lie on the input. Takes 1 KB of stack: codes
// of int8 have 256 differences, and each exponential is computed once a call. Any set of a 64-bit machine has it.
bool qi_softmax_int8(qi_instruction_set set, const qi_softmax *softmax, int8_t *output);

#else

// Other processors: the same names without code; those above serve 32-bit ARM.
#if defined(__ARM_FEATURE_MVE)
#define QI_MVE 1
#else
#define QI_MVE 0
#endif

static inline qi_instruction_set qi_best_instruction_set(void) {
  return QI_MVE ? qi_mve : QI_DSP_KERNELS ? qi_dsp : qi_portable;
}

static inline bool qi_has_instruction_set(qi_instruction_set set) {
  return (set == qi_dsp && QI_DSP_KERNELS) || (set == qi_mve && QI_MVE);
}

static inline bool qi_matrix_product_int8(
  qi_instruction_set set, qi_matrix_product product, int8_t *output, ptrdiff_t outputStride) { return false; }

static inline bool qi_matrix_product_int16(
  qi_instruction_set set, qi_matrix_product product, int16_t *output, ptrdiff_t outputStride) { return false; }

static inline bool qi_depthwise_int8(
  qi_instruction_set set, qi_depthwise convolution, int8_t *output, ptrdiff_t outputStride) { return false; }

static inline bool qi_convolution_int8(
  qi_instruction_set set, const qi_convolution *convolution, int8_t *scratch, ptrdiff_t scratchBytes, int8_t *output) { return false; }

static inline bool qi_depthwise_columns_int8(
  qi_instruction_set set, const qi_convolution *convolution, int8_t *scratch, ptrdiff_t scratchBytes, int8_t *output) { return false; }

static inline bool qi_fully_connected_int8(
  qi_instruction_set set, const qi_matrix_product *product, const int8_t *first, ptrdiff_t firstCount,
  const int8_t *second, ptrdiff_t secondCount, int8_t *output) { return false; }

static inline bool qi_elementwise_int8(qi_instruction_set set, const qi_elementwise *operands, int8_t *output) { return false; }

static inline bool qi_pool_int8(qi_instruction_set set, qi_pool pool, int8_t *output) { return false; }

static inline bool qi_softmax_int8(qi_instruction_set set, const qi_softmax *softmax, int8_t *output) { return false; }

#endif

#pragma clang assume_nonnull end

#include "beats.h"
#include "spectrum.h"
