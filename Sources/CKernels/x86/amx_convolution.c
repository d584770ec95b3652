// AMX: convolutions of bytes in tiles of 16 cells by 16 channels by 64 inputs, both signed.
//
// A tile of inputs is 16 rows of 64 bytes, one a cell, that lie as far apart as the cells' inputs: it's loaded from the
// padded columns as they are. Where runs of inputs under a window are short or no whole quads, they are gathered first.
#if defined(__x86_64__)
#include "padded_columns.h"
#include "short_scales.h"

#pragma clang attribute push( \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni,amx-tile,amx-int8"))), apply_to = function)

enum { tileCells = 16, tileBytes = 1024, blockCells = 32, blockChannels = 32, leastInputs = 12 };

// Every tile has 16 rows of 64 bytes.
static const uint8_t tileConfiguration[64] __attribute__((aligned(64))) = {
  [0] = 1,
  [16] = 64, [18] = 64, [20] = 64, [22] = 64, [24] = 64, [26] = 64, [28] = 64, [30] = 64,
  [48] = 16, [49] = 16, [50] = 16, [51] = 16, [52] = 16, [53] = 16, [54] = 16, [55] = 16,
};

// Where a cell's inputs lie: in runs of bytes, each in chunks of a tile's width, of which the last reads what follows, too.
typedef struct {
  PaddedColumns columns;
  bool isGathered;
  int32_t runs;             // Under a window.
  ptrdiff_t run;            // Bytes.
  int32_t runChunks;
  int32_t chunks;           // Of a tile's inputs.
  ptrdiff_t inputs;         // Weights of a channel, in whole quads.
  uint32_t lastQuad;        // The bytes of the last quad that are weights, all their bits set.
  ptrdiff_t *offsets;       // Of each chunk from a cell's first input; in the columns.
  int8_t *weights;          // Of up to 32 channels: for each chunk two tiles.
  int8_t *patches;          // What is gathered: chunks of a cell one behind the other.
} Plan;

// How the inputs of a cell lie in the columns.
ALWAYS_INLINE Plan planOf(const qi_convolution *c) {
  Plan plan = {.columns = paddedColumnsOf(c, (int8_t *)c->columns)};
  const bool isRow = c->frequency.dilation == 1;
  plan.runs = c->time.taps * (isRow ? 1 : c->frequency.taps);
  plan.run = (isRow ? c->frequency.taps : 1) * (ptrdiff_t)c->channels;
  plan.inputs = (plan.runs * plan.run + 3) & ~3;
  plan.lastQuad = ~0u >> 8 * (plan.inputs - plan.runs * plan.run);
  // Whole columns under the window that lie one behind the other are one run.
  if (plan.columns.phases == 1 && c->time.dilation == 1 && plan.run == plan.columns.columnBytes) {
    plan.run *= plan.runs;
    plan.runs = 1;
  }
  plan.runChunks = (int32_t)((plan.run + 63) / 64);
  const int32_t gathered = (int32_t)((plan.inputs + 63) / 64);
  plan.isGathered = (plan.runs > 1 && plan.run % 4 != 0) || plan.runs * plan.runChunks > 4 * gathered;
  plan.chunks = plan.isGathered ? gathered : plan.runs * plan.runChunks;
  return plan;
}

// The bytes of scratch for so many output columns.
ALWAYS_INLINE ptrdiff_t scratchFor(Plan *plan, int32_t outputColumns) {
  const ptrdiff_t cells = outputColumns * plan->columns.cellsPerColumn + blockCells;
  const ptrdiff_t columns = layOut(&plan->columns, outputColumns) + blockCells * plan->columns.cellStride + 64;
  const ptrdiff_t patches = plan->isGathered ? cells * 64 * plan->chunks : 0;
  return columns + patches + plan->chunks * (2 * (ptrdiff_t)tileBytes) + 8 * (ptrdiff_t)plan->runs * plan->runChunks + 256;
}

ALWAYS_INLINE void placeIn(Plan *plan, int8_t *scratch, int32_t outputColumns) {
  plan->weights = aligned64(scratch);
  plan->offsets = (ptrdiff_t *)(plan->weights + plan->chunks * (2 * (ptrdiff_t)tileBytes));
  plan->columns.codes = aligned64((int8_t *)(plan->offsets + plan->runs * plan->runChunks));
  plan->patches = aligned64(plan->columns.codes + layOut(&plan->columns, outputColumns) +
    blockCells * plan->columns.cellStride + 64);
  const int32_t rowRuns = plan->runs / plan->columns.c->time.taps;
  for (int32_t run = 0, chunk = 0; run < plan->runs; run += 1) {
    const int32_t tap = rowRuns > 1 ? run / rowRuns : run, rowTap = rowRuns > 1 ? run % rowRuns : 0;
    const ptrdiff_t offset = tapOffset(&plan->columns, tap) +
      rowTap * plan->columns.c->frequency.dilation * (ptrdiff_t)plan->columns.c->channels;
    for (int32_t j = 0; j < plan->runChunks; j += 1) plan->offsets[chunk++] = offset + 64 * j;
  }
}

// Gathers the inputs of cells, a piece of a run for all of them at a time; what a piece has too much the next one writes
// over, or meets weights of 0.
static void gatherPatches(const Plan *plan, ptrdiff_t cells) {
  const ptrdiff_t stride = 64 * plan->chunks, cellStride = plan->columns.cellStride;
  for (int32_t run = 0; run < plan->runs; run += 1) {
    for (ptrdiff_t done = 0; done < plan->run; done += 16) {
      const ptrdiff_t place = run * plan->run + done;
      const int8_t *from = plan->columns.codes + plan->offsets[run * plan->runChunks] + done;
      int8_t *to = plan->patches + place;
      if (place + 16 <= stride) {
        for (ptrdiff_t cell = 0; cell < cells; cell += 1, from += cellStride, to += stride) {
          _mm_storeu_si128((__m128i *)to, _mm_loadu_si128((const __m128i *)from));
        }
      } else {
        const __mmask16 rest = (__mmask16)((1 << (stride - place)) - 1);
        for (ptrdiff_t cell = 0; cell < cells; cell += 1, from += cellStride, to += stride) {
          _mm_mask_storeu_epi8(to, rest, _mm_loadu_si128((const __m128i *)from));
        }
      }
    }
  }
}

// MARK: - Weights

ALWAYS_INLINE __m512i quadOf16(const int8_t *weights, ptrdiff_t blockBytes, ptrdiff_t blocks, ptrdiff_t quad) {
  const int8_t *const first = weights + 16 * quad;
  __m512i quads = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)first));
  quads = _mm512_inserti32x4(quads, _mm_loadu_si128((const __m128i *)(first + (blocks > 1 ? blockBytes : 0))), 1);
  quads = _mm512_inserti32x4(quads, _mm_loadu_si128((const __m128i *)(first + (blocks > 2 ? 2 * blockBytes : 0))), 2);
  return _mm512_inserti32x4(quads, _mm_loadu_si128((const __m128i *)(first + (blocks > 3 ? 3 * blockBytes : 0))), 3);
}

// Arranges the weights of up to 16 channels, a tile every other kilobyte: a row is a quad of each channel.
static void arrangeWeights(const Plan *plan, const int8_t *weights, ptrdiff_t channels, int8_t *tiles) {
  const ptrdiff_t quads = plan->inputs / 4, blocks = (channels + 3) / 4;
  const ptrdiff_t runQuads = plan->isGathered ? quads : (plan->run + 3) / 4;
  const int32_t runs = plan->isGathered ? 1 : plan->runs;
  ptrdiff_t quad = 0;
  for (int32_t run = 0; run < runs; run += 1) {
    for (ptrdiff_t done = 0; done < runQuads; tiles += 2 * tileBytes) {
      ptrdiff_t row = 0;
      for (; row < tileCells && done < runQuads; row += 1, done += 1, quad += 1) {
        __m512i weights16 = quadOf16(weights, 16 * quads, blocks, quad);
        if (quad == quads - 1) weights16 = _mm512_and_si512(weights16, _mm512_set1_epi32((int)plan->lastQuad));
        _mm512_store_si512(tiles + 64 * row, weights16);
      }
      for (; row < tileCells; row += 1) _mm512_store_si512(tiles + 64 * row, _mm512_setzero_si512());
    }
  }
}

// MARK: - Codes

// 16 channels' biases, a tile row, and scales.
typedef struct {
  int32_t biases[16];
  ShortScales scales;
} Channels;

typedef struct {
  Channels of16[2];
  bool isShort;  // The short way does for both.
  __m512i zeroPoint;       // To be added to 32 bits where the way isn't short, as the sum wraps.
  __m512i shortZeroPoint;  // To be added to 16 bits: 0 there.
  __m512i minimum, maximum;
  __mmask32 exist;
} Channels32;

ALWAYS_INLINE bool loadChannels(const qi_requantization *r, ptrdiff_t first, ptrdiff_t count, Channels *channels) {
  const __mmask16 exist = count < 16 ? (__mmask16)((1 << (count < 0 ? 0 : count)) - 1) : 0xFFFF;
  const __m512i biases = _mm512_maskz_loadu_epi32(exist, r->biases + first);
  _mm512_storeu_si512(channels->biases, biases);
  channels->scales = makeShortScales(
    _mm512_maskz_loadu_epi32(exist, r->multipliers + first),
    _mm512_cvtepi8_epi32(_mm_mask_loadu_epi8(_mm_set1_epi8(-1), exist, r->shifts + first)));
  return isShort(&channels->scales, biases);
}

static void loadChannels32(const Plan *plan, ptrdiff_t first, ptrdiff_t count, Channels32 *channels) {
  const qi_requantization *const r = &plan->columns.c->requantization;
  const bool isFirstShort = loadChannels(r, first, count, &channels->of16[0]);
  const bool isSecondShort = loadChannels(r, first + (count > 16 ? 16 : 0), count - 16, &channels->of16[1]);
  channels->isShort = isFirstShort && isSecondShort && plan->inputs <= mostShortProducts;
  channels->zeroPoint = _mm512_set1_epi32(r->zeroPoint);
  channels->shortZeroPoint = _mm512_set1_epi16(channels->isShort ? (short)r->zeroPoint : 0);
  channels->minimum = _mm512_set1_epi8((char)r->minimum);
  channels->maximum = _mm512_set1_epi8((char)r->maximum);
  channels->exist = count < 32 ? (__mmask32)((1u << count) - 1) : ~(__mmask32)0;
}

// The codes of cells, whose sums lie in some rows.
ALWAYS_INLINE void storeCells(
  const bool isShortWay, const int vectors, const int32_t (*sums)[blockChannels], const uint8_t *rows, ptrdiff_t count,
  const Channels32 *channels, int8_t *output, ptrdiff_t outputStride) {
  const int atOnce = 4 / vectors;
  for (ptrdiff_t cell = 0; cell < count; cell += atOnce, output += atOnce * outputStride) {
    __m512i codes[4];
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) {
      const int v = i % vectors;
      const __m512i x = _mm512_loadu_si512(sums[rows[cell + i / vectors]] + 16 * v);
      codes[i] = scaledSums(isShortWay, x, &channels->of16[v].scales, channels->zeroPoint);
    }
    const __m512i all = packed(codes, channels->shortZeroPoint, channels->minimum, channels->maximum);
    if (vectors == 2) {
      _mm256_mask_storeu_epi8(output, channels->exist, _mm512_castsi512_si256(all));
      if (cell + 1 < count) {
        _mm256_mask_storeu_epi8(output + outputStride, channels->exist, _mm512_extracti64x4_epi64(all, 1));
      }
    } else {
      const __mmask16 exist = (__mmask16)channels->exist;
      _mm_mask_storeu_epi8(output, exist, _mm512_castsi512_si128(all));
      if (cell + 1 < count) _mm_mask_storeu_epi8(output + outputStride, exist, _mm512_extracti32x4_epi32(all, 1));
      if (cell + 2 < count) _mm_mask_storeu_epi8(output + 2 * outputStride, exist, _mm512_extracti32x4_epi32(all, 2));
      if (cell + 3 < count) _mm_mask_storeu_epi8(output + 3 * outputStride, exist, _mm512_extracti32x4_epi32(all, 3));
    }
  }
}

// MARK: - Products

// The sums of 16 or 32 cells in 16 or 32 channels.
ALWAYS_INLINE void multiplyBlock(
  const int cellTiles, const int channelTiles, const Plan *plan, const int8_t *inputs, ptrdiff_t stride,
  const Channels32 *channels, int32_t (*sums)[blockChannels]) {
  _tile_loadd(0, channels->of16[0].biases, 0);
  if (channelTiles == 2) _tile_loadd(1, channels->of16[1].biases, 0);
  if (cellTiles == 2) _tile_loadd(2, channels->of16[0].biases, 0);
  if (cellTiles == 2 && channelTiles == 2) _tile_loadd(3, channels->of16[1].biases, 0);
  const int8_t *weights = plan->weights;
  for (int32_t chunk = 0; chunk < plan->chunks; chunk += 1, weights += 2 * tileBytes) {
    const int8_t *const codes = inputs + (plan->isGathered ? 64 * chunk : plan->offsets[chunk]);
    _tile_loadd(4, codes, stride);
    _tile_loadd(6, weights, 64);
    _tile_dpbssd(0, 4, 6);
    if (channelTiles == 2) {
      _tile_loadd(7, weights + tileBytes, 64);
      _tile_dpbssd(1, 4, 7);
    }
    if (cellTiles == 2) {
      _tile_loadd(5, codes + tileCells * stride, stride);
      _tile_dpbssd(2, 5, 6);
      if (channelTiles == 2) _tile_dpbssd(3, 5, 7);
    }
  }
  _tile_stored(0, sums[0], 4 * blockChannels);
  if (channelTiles == 2) _tile_stored(1, sums[0] + 16, 4 * blockChannels);
  if (cellTiles == 2) _tile_stored(2, sums[tileCells], 4 * blockChannels);
  if (cellTiles == 2 && channelTiles == 2) _tile_stored(3, sums[tileCells] + 16, 4 * blockChannels);
}

ALWAYS_INLINE void multiplyNext(
  const int channelTiles, const Plan *plan, const int8_t *inputs, ptrdiff_t left, ptrdiff_t stride,
  const Channels32 *channels, int32_t (*sums)[blockChannels]) {
  if (left > tileCells) {
    multiplyBlock(2, channelTiles, plan, inputs, stride, channels, sums);
  } else if (left > 0) {
    multiplyBlock(1, channelTiles, plan, inputs, stride, channels, sums);
  }
}

// Lists the places that are cells of the output, from a row on.
static ptrdiff_t listCells(const Plan *plan, ptrdiff_t places, ptrdiff_t *row, uint8_t *rows) {
  ptrdiff_t count = 0;
  for (ptrdiff_t place = 0; place < places; place += 1) {
    rows[count] = (uint8_t)place;
    count += *row < plan->columns.c->outputRowCount;
    *row += 1;
    if (*row == plan->columns.cellsPerColumn) *row = 0;
  }
  return count;
}

// The codes of places in up to 32 channels; of each column's places the first are cells of the output.
ALWAYS_INLINE void computeChannels(
  const int channelTiles, const Plan *plan, ptrdiff_t places, const Channels32 *channels, int8_t *output) {
  const qi_convolution *const c = plan->columns.c;
  const ptrdiff_t stride = plan->isGathered ? 64 * plan->chunks : plan->columns.cellStride;
  const int8_t *inputs = plan->isGathered ? plan->patches : plan->columns.codes;
  // A block is multiplied while the codes of the last one are made.
  int32_t sums[2][blockCells][blockChannels] __attribute__((aligned(64)));
  uint8_t rows[blockCells + 4];
  for (int place = 0; place < blockCells + 4; place++) rows[place] = place < blockCells ? (uint8_t)place : 0;
  const bool allAreCells = plan->columns.cellsPerColumn == c->outputRowCount;
  ptrdiff_t row = 0;
  multiplyNext(channelTiles, plan, inputs, places, stride, channels, sums[0]);
  for (ptrdiff_t left = places, block = 0; left > 0; left -= blockCells, block ^= 1) {
    inputs += blockCells * stride;
    multiplyNext(channelTiles, plan, inputs, left - blockCells, stride, channels, sums[block ^ 1]);
    ptrdiff_t count = left < blockCells ? left : blockCells;
    if (!allAreCells) count = listCells(plan, count, &row, rows);
    if (channels->isShort) {
      storeCells(true, channelTiles, sums[block], rows, count, channels, output, c->outputChannels);
    } else {
      storeCells(false, channelTiles, sums[block], rows, count, channels, output, c->outputChannels);
    }
    output += count * c->outputChannels;
  }
}

bool qi_convolution_amx(const qi_convolution *c, int8_t *scratch, ptrdiff_t scratchBytes, int8_t *output) {
  // Few cells don't pay for the arranging of the weights, nor few inputs for tiles.
  if (c->groupChannels != c->channels || c->cellCount < tileCells) return false;
  Plan plan = planOf(c);
  if (plan.inputs < leastInputs) return false;
  int32_t outputColumns = (c->cellCount + c->outputRowCount - 1) / c->outputRowCount;
  while (outputColumns > 1 && scratchFor(&plan, outputColumns) > scratchBytes) outputColumns = (outputColumns + 1) / 2;
  if (scratchFor(&plan, outputColumns) > scratchBytes || outputColumns * c->outputRowCount < tileCells) return false;
  placeIn(&plan, scratch, outputColumns);
  _tile_loadconfig(tileConfiguration);
  int32_t column = c->firstColumn;
  for (ptrdiff_t left = c->cellCount; left > 0; column += outputColumns) {
    const ptrdiff_t whole = outputColumns * (ptrdiff_t)c->outputRowCount, cells = left < whole ? left : whole;
    const ptrdiff_t places =
      (cells - 1) / c->outputRowCount * plan.columns.cellsPerColumn + (cells - 1) % c->outputRowCount + 1;
    copyColumns(&plan.columns, column, 0);
    if (plan.isGathered) gatherPatches(&plan, places);
    for (int32_t first = 0; first < c->outputChannels; first += blockChannels) {
      const ptrdiff_t count = c->outputChannels - first;
      const int8_t *const weights = c->weights + 4 * plan.inputs * (first / 4);
      Channels32 channels;
      loadChannels32(&plan, first, count, &channels);
      arrangeWeights(&plan, weights, count, plan.weights);
      if (count > 16) {
        arrangeWeights(&plan, weights + 16 * plan.inputs, count - 16, plan.weights + tileBytes);
        computeChannels(2, &plan, places, &channels, output + first);
      } else {
        computeChannels(1, &plan, places, &channels, output + first);
      }
    }
    output += cells * c->outputChannels;
    left -= cells;
  }
  _tile_release();
  return true;
}

#pragma clang attribute pop
#endif
