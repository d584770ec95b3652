// Compares the assembly of the kernels for the DSP extension with the same kernels in plain C, on a board, for random shapes
// and operands; and where the board has MVE, its kernels with that plain C too. The host's tests compare the plain C with what the header defines.
#include "Board.h"
#include "CKernels.h"

void *memset(void *target, int byte, size_t count);

bool plain_convolution(const qi_convolution *convolution, int16_t *scratch, int8_t *output);
bool plain_fully_connected(
  const qi_matrix_product *product, const int8_t *first, ptrdiff_t firstCount, const int8_t *second,
  ptrdiff_t secondCount, int16_t *scratch, int8_t *output);
ptrdiff_t plain_peak(const int16_t *sensed, ptrdiff_t reach);
int32_t plain_sums(const int16_t *samples, ptrdiff_t count, ptrdiff_t pairs, int32_t halving, int32_t *points);
uint32_t plain_pairs_distance(const int16_t *samples, const int32_t *usualQ4, ptrdiff_t count, int32_t usualSum);
void plain_scaled_codes(const int32_t *numbers, ptrdiff_t count, int32_t factor, int8_t *codes);
bool plain_depthwise(const qi_depthwise *convolution, int8_t *output, ptrdiff_t outputStride);
int32_t plain_fft_stage(int16_t *data, ptrdiff_t count, ptrdiff_t half, const int16_t *twiddles, int32_t shift);

uint32_t plain_weighed(const int32_t *samples, const int32_t *weights, ptrdiff_t count, int32_t *weighed);
void plain_folded(const int32_t *weighed, ptrdiff_t count, int32_t shift, int16_t *folded);
uint32_t plain_folded_bins(
  const int16_t *folded, ptrdiff_t count, const int16_t *factors, ptrdiff_t firstBin, ptrdiff_t binCount, int32_t *parts);
void plain_level_codes(const int32_t *parts, ptrdiff_t binCount, const qi_levels *levels, int8_t *codes);

// Which kernels are compared: the DSP extension's, then MVE's.
static bool isMVE;

#ifdef __ARM_FEATURE_MVE
enum { sets = 2 };
#else
enum { sets = 1 };
#define qi_convolution_mve(convolution, scratch, output) false
#define qi_fully_connected_mve(product, first, firstCount, second, secondCount, output) false
#define qi_depthwise_mve(convolution, output, outputStride) false
#endif

enum { rounds = 3000, greatestChannels = 256, greatestInput = 40000, greatestOutput = 16000 };

static int8_t input[greatestInput];
__attribute__((aligned(4))) static int8_t output[greatestOutput], expected[greatestOutput];
__attribute__((aligned(4))) static int8_t weights[greatestInput];
__attribute__((aligned(4))) static int16_t scratch[2048];
static int32_t biases[greatestChannels], multipliers[greatestChannels];
static int8_t shifts[greatestChannels];

// MARK: - Random numbers

static uint32_t state;

static uint32_t random24(void) {
  state = state * 1664525u + 1013904223u;
  return state >> 8;
}

static uint32_t random32(void) { return random24() << 8 ^ random24(); }

// A number in first ... last.
static int32_t pick(int32_t first, int32_t last) { return first + (int32_t)(random24() % (uint32_t)(last - first + 1)); }

static bool chance(int32_t oneIn) { return pick(1, oneIn) == 1; }

static void fill(int8_t *codes, ptrdiff_t count) {
  const bool isExtreme = chance(4);
  for (ptrdiff_t index = 0; index < count; index += 1) {
    codes[index] = (int8_t)(isExtreme && chance(2) ? (chance(2) ? -128 : 127) : (int32_t)random24());
  }
}

static qi_requantization requantization(void) {
  const bool isUsual = !chance(4);
  for (int index = 0; index < greatestChannels; index += 1) {
    biases[index] = (int32_t)random32() >> pick(0, 31);
    multipliers[index] = !isUsual && chance(8) ? 0 : (int32_t)(1u << 30 | ((random24() << 6 ^ random24()) & 0x3FFFFFFF));
    shifts[index] = (int8_t)(isUsual ? pick(-16, -1) : pick(-31, 30));
  }
  const int32_t first = pick(-128, 127), second = pick(-128, 127);
  const bool isWhole = chance(2);
  return (qi_requantization){
    biases, multipliers, shifts, pick(-128, 127), isWhole ? -128 : first < second ? first : second,
    isWhole ? 127 : first < second ? second : first};
}

static qi_window_step step(void) {
  qi_window_step step = {pick(1, 4), pick(1, 3), chance(2) ? 1 : pick(1, 3), 0};
  if (chance(2)) step.padding = pick(0, (step.taps - 1) * step.dilation);
  return step;
}

// MARK: - Kernels

static void clear(void) {
  memset(output, 7, sizeof output);
  memset(expected, 7, sizeof expected);
}

// Whether the outputs are the same, and nothing behind them was written.
static bool isSame(void) {
  for (int index = 0; index < greatestOutput; index += 1) {
    if (output[index] != expected[index]) return false;
  }
  return true;
}

static bool convolutionsAgree(void) {
  const int32_t columns = pick(1, 9), capacity = columns + pick(0, 2), rows = pick(1, 9), outputRows = pick(1, 5);
  const int32_t groups = chance(4) ? pick(2, 3) : 1, groupChannels = chance(2) ? 4 * pick(1, 5) : pick(1, 9);
  const int32_t groupOutputs = chance(2) ? 4 * pick(1, 6) : pick(1, 11);
  const qi_window_step time = step(), frequency = chance(3) ? (qi_window_step){1, 1, 1, 0} : step();
  const qi_convolution convolution = {
    .columns = input, .capacity = capacity, .start = pick(0, capacity - 1), .columnCount = columns, .rowCount = rows,
    .channels = groups * groupChannels, .groupChannels = groupChannels, .time = time, .frequency = frequency,
    .inputZeroPoint = (int8_t)pick(-128, 127), .weights = weights, .firstColumn = pick(0, 2), .outputRowCount = outputRows,
    .cellCount = pick(1, 3 * outputRows), .outputChannels = groups * groupOutputs, .requantization = requantization()};
  fill(input, capacity * rows * groups * groupChannels);
  fill(weights, groups * ((groupOutputs + 3) / 4) * 16 * ((time.taps * frequency.taps * groupChannels + 3) / 4));
  clear();
  const bool isDone = isMVE ? qi_convolution_mve(&convolution, (int8_t *)scratch, output)
    : qi_convolution_dsp(&convolution, scratch, output);
  return isDone && plain_convolution(&convolution, scratch, expected) && isSame();
}

static bool fullyConnectedOperatorsAgree(void) {
  const int32_t inputs = pick(1, 300), first = pick(0, inputs), channels = pick(1, 20);
  const qi_matrix_product product = {
    .patches = scratch, .weights = weights, .channels = channels, .requantization = requantization()};
  fill(input, inputs);
  fill(weights, (channels + 3) / 4 * 16 * ((inputs + 3) / 4));
  clear();
  const bool isDone = isMVE ? qi_fully_connected_mve(&product, input, first, input + first, inputs - first, output)
    : qi_fully_connected_dsp(
      &product, input, first, input + first, inputs - first, chance(2) ? scratch : NULL, output);
  return isDone && plain_fully_connected(&product, input, first, input + first, inputs - first, NULL, expected) &&
    isSame();
}

static bool depthwiseConvolutionsAgree(void) {
  const int32_t rowTaps = pick(1, chance(6) ? 12 : 5), columnTaps = pick(1, 5), columns = pick(1, 9);
  const int32_t channels = chance(4) ? pick(100, 250) : pick(1, 40), pixels = pick(1, chance(6) ? 40 : 8);
  const int32_t firstRow = chance(2) ? 0 : pick(0, rowTaps - 1);
  const qi_depthwise convolution = {
    .input = input, .rowStride = columns * channels + pick(0, 9), .columnStride = channels, .rowTaps = rowTaps,
    .columnTaps = columnTaps, .firstRowTap = firstRow, .endRowTap = chance(2) ? rowTaps : pick(firstRow, rowTaps),
    .columnCount = columns, .firstColumn = pick(-4, 2), .columnStep = pick(1, 3),
    .columnDilation = chance(2) ? 1 : pick(1, 3), .inputZeroPoint = (int8_t)pick(-128, 127), .weights = weights,
    .weightRowStride = columnTaps * channels, .weightColumnStride = channels, .channels = channels, .pixels = pixels,
    .requantization = requantization()};
  const ptrdiff_t outputStride = channels + (chance(2) ? 0 : pick(1, 9));
  fill(input, rowTaps * convolution.rowStride);
  fill(weights, rowTaps * columnTaps * channels);
  clear();
  const bool isDone = isMVE ? qi_depthwise_mve(&convolution, output, outputStride)
    : qi_depthwise_dsp(&convolution, output, outputStride);
  return isDone && plain_depthwise(&convolution, expected, outputStride) && isSame();
}

static bool stagesOfTransformsAgree(void) {
  const ptrdiff_t count = 2 << pick(0, 7), half = 1 << pick(0, __builtin_ctz((uint32_t)count) - 1);
  const int32_t shift = pick(0, 2), limit = shift == 0 ? 13570 : shift == 1 ? 27140 : 32767;
  int16_t *const data = (int16_t *)output, *const other = (int16_t *)expected;
  // Cosines and sines: no turned number is longer.
  for (ptrdiff_t index = 0; index < 2 * count; index += 2) {
    const int32_t cosine = pick(-16384, 16384), sine = 16384 - (cosine < 0 ? -cosine : cosine);
    scratch[index] = (int16_t)cosine;
    scratch[index + 1] = (int16_t)(chance(2) ? sine : -sine);
  }
  clear();
  for (ptrdiff_t index = 0; index < 2 * count; index += 1) {
    data[index] = other[index] = (int16_t)(chance(8) ? (chance(2) ? limit : -limit) : pick(-limit, limit));
  }
  return qi_fft_stage_dsp(data, count, half, scratch, shift) == plain_fft_stage(other, count, half, scratch, shift) &&
    isSame();
}

static bool columnsAgree(void) {
  const ptrdiff_t count = chance(2) ? 32 : 64, first = pick(0, 6), bins = pick(1, (int32_t)(count / 2 + 1 - first));
  static int32_t samples[64], window[64], weighed[2][64], parts[2][66];
  static int16_t factors[33 * 32];
  const int32_t size = pick(0, 30);
  for (ptrdiff_t index = 0; index < count; index += 1) {
    samples[index] = (chance(8) ? (chance(2) ? INT32_MIN : INT32_MAX) : (int32_t)random32()) >> size;
    window[index] = (int32_t)(random32() >> 1);
  }
  for (ptrdiff_t index = 0; index < bins * count / 2; index += 1) factors[index] = (int16_t)pick(-8192, 8192);
  // A window in two stretches.
  const ptrdiff_t stretch = pick(0, (int32_t)count);
  uint32_t bits[2];
  bits[0] = qi_weighed(samples, window, stretch, weighed[0]);
  bits[0] |= qi_weighed(samples + stretch, window + stretch, count - stretch, weighed[0] + stretch);
  bits[1] = plain_weighed(samples, window, count, weighed[1]);
  const int32_t needed = 19 - (bits[1] == 0 ? 32 : __builtin_clz(bits[1])), shift = needed < 2 ? 2 : needed;
  int16_t *const folded = (int16_t *)output, *const other = (int16_t *)expected;
  clear();
  qi_folded(weighed[0], count, shift, folded);
  plain_folded(weighed[1], count, shift, other);
  if (bits[0] != bits[1] || !isSame()) return false;
  bits[0] = qi_folded_bins(folded, count, factors, first, bins, parts[0]);
  bits[1] = plain_folded_bins(other, count, factors, first, bins, parts[1]);
  if (bits[0] != bits[1]) return false;
  const qi_levels levels = {
    pick(0, bits[1] == 0 ? 31 : __builtin_clz(bits[1] | 1) - 1), chance(2) ? 0 : random32() >> pick(1, 31), (int32_t)random32() >> 11, pick(1, 4096), pick(-128, 127)};
  qi_level_codes(parts[0], bins, &levels, output);
  plain_level_codes(parts[1], bins, &levels, expected);
  return isSame();
}

static bool beatsAgree(void) {
  // Samples as an amplifier has them, or the greatest and the least.
  const bool isExtreme = chance(4);
  for (int index = 0; index < 256; index += 1) {
    scratch[index] = (int16_t)(isExtreme ? (chance(2) ? -32768 : 32767) : pick(-4000, 4000));
  }
  static int32_t usualQ4[64];
  for (int index = 0; index < 64; index += 1) usualQ4[index] = pick(-8000, 8000) << 4;
  const ptrdiff_t reach = pick(1, 24), pairs = 1 << pick(0, 2), count = pick(1, 24);
  const int32_t halving = pick(0, 3), sum = pick(-100000, 100000), factor = pick(1, 1 << 23) << pick(0, 7);
  clear();
  bool agree = qi_peak(scratch + 64, reach) == plain_peak(scratch + 64, reach);
  agree &= qi_sums(scratch, count, pairs, halving, (int32_t *)output) ==
    plain_sums(scratch, count, pairs, halving, (int32_t *)expected);
  agree &= qi_pairs_distance(scratch, usualQ4, count, sum) == plain_pairs_distance(scratch, usualQ4, count, sum);
  qi_scaled_codes(usualQ4, 2 * count, factor, output + 1024);
  plain_scaled_codes(usualQ4, 2 * count, factor, expected + 1024);
  return agree && isSame();
}

// MARK: - Main

static void put(const char *text) {
  while (*text != 0) board_put((uint8_t)*text++);
}

int main(void) {
  static bool (*const kernels[])(void) = {
    beatsAgree, columnsAgree, stagesOfTransformsAgree, convolutionsAgree, fullyConnectedOperatorsAgree, depthwiseConvolutionsAgree};
  static const char *const names[] = {
    "sums of beats", "columns of spectrograms", "stages of transforms", "convolutions", "fully connected operators", "depthwise convolutions"};
  int32_t failed = 0;
  for (int set = 0; set < sets; set += 1) {
    isMVE = set > 0;
    // MVE has no beats, columns and transforms of its own.
    for (int kernel = 3 * set; kernel < 6; kernel += 1) {
      int32_t differing = 0;
      for (uint32_t round = 0; round < rounds; round += 1) {
        state = 5 * round + (uint32_t)kernel;
        if (!kernels[kernel]()) differing += 1;
      }
      put(names[kernel]);
      put(isMVE ? " by MVE" : " in assembly");
      put(differing == 0 ? ": as in C\n" : ": DIFFER from C\n");
      failed += differing > 0;
    }
  }
  return failed;
}
