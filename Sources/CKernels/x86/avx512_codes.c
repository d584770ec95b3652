// AVX-512 with VNNI: convolutions and fully connected rows of bytes, four products a lane.
//
// The instruction multiplies numbers without sign by such with one. So 128 is added to the one side, and 128 times the sum
// of the other side's numbers is taken off: to a convolution's inputs, which many channels meet, and to a single row's
// weights.
#if defined(__x86_64__)
#include "short_scales.h"
#include "../gathering.h"
#include "../stretches.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni"))), apply_to = function)

enum { tileRows = 12 };

// 128 more, without sign.
ALWAYS_INLINE __m512i raised(__m512i codes) { return _mm512_xor_si512(codes, _mm512_set1_epi8(-128)); }

// 128 times the sum of codes, added to 16 sums.
ALWAYS_INLINE __m512i add128Times(__m512i sums, const int8_t *codes, ptrdiff_t count) {
  const __m512i factor = _mm512_set1_epi8(-128);
  for (; count >= 64; count -= 64, codes += 64) {
    sums = _mm512_dpbusd_epi32(sums, factor, _mm512_loadu_si512(codes));
  }
  if (count > 0) sums = _mm512_dpbusd_epi32(sums, factor, _mm512_maskz_loadu_epi8((1ull << count) - 1, codes));
  return sums;
}

// How sums of 16 channels become codes, and which of the channels exist.
typedef struct {
  __m512i biases;
  Scales scales;
  __mmask16 exist;
} Channels16;

ALWAYS_INLINE Channels16 loadChannels(const qi_requantization *r, ptrdiff_t channel, ptrdiff_t count) {
  const __mmask16 exist = count < 16 ? (__mmask16)((1 << count) - 1) : 0xFFFF;
  return (Channels16){
    .biases = _mm512_maskz_loadu_epi32(exist, r->biases + channel),
    .scales = makeScales(
      _mm512_maskz_loadu_epi32(exist, r->multipliers + channel),
      _mm512_cvtepi8_epi32(_mm_mask_loadu_epi8(_mm_set1_epi8(-1), exist, r->shifts + channel))),
    .exist = exist,
  };
}

typedef struct {
  __m512i zeroPoint, minimum, maximum;
} Limits;

ALWAYS_INLINE Limits limitsOf(const qi_requantization *r) {
  return (Limits){_mm512_set1_epi32(r->zeroPoint), _mm512_set1_epi32(r->minimum), _mm512_set1_epi32(r->maximum)};
}

ALWAYS_INLINE void storeCodes(__m512i sums, const Channels16 *channels, const Limits *limits, int8_t *output) {
  __m512i codes = _mm512_add_epi32(scaled(sums, &channels->scales), limits->zeroPoint);
  codes = _mm512_min_epi32(_mm512_max_epi32(codes, limits->minimum), limits->maximum);
  _mm_mask_storeu_epi8(output, channels->exist, _mm512_cvtepi32_epi8(codes));
}

// The blocks of 4 channels from one on; the first stands in for those that don't exist.
ALWAYS_INLINE void locateBlocks(
  const int8_t *weights, ptrdiff_t quads, ptrdiff_t channels, const int count, const int8_t **blocks) {
  for (int i = 0; i < count; i++) blocks[i] = weights + (4 * i < channels ? 16 * quads * i : 0);
}

// MARK: - Convolution

// Rows of raised codes, one behind the other.
typedef struct {
  const int8_t *codes;
  ptrdiff_t quads;
  ptrdiff_t count;
} CodeRows;

// Copies codes, raised; also in place.
ALWAYS_INLINE void raise(int8_t *to, const int8_t *from, ptrdiff_t count) {
  for (; count >= 64; count -= 64, to += 64, from += 64) _mm512_storeu_si512(to, raised(_mm512_loadu_si512(from)));
  const __mmask64 rest = (1ull << count) - 1;
  _mm512_mask_storeu_epi8(to, rest, raised(_mm512_maskz_loadu_epi8(rest, from)));
}

// A quad of 4 blocks.
ALWAYS_INLINE __m512i loadQuad(const int8_t *const *blocks, ptrdiff_t quad) {
  __m512i weights = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)(blocks[0] + 16 * quad)));
  weights = _mm512_inserti32x4(weights, _mm_loadu_si128((const __m128i *)(blocks[1] + 16 * quad)), 1);
  weights = _mm512_inserti32x4(weights, _mm_loadu_si128((const __m128i *)(blocks[2] + 16 * quad)), 2);
  weights = _mm512_inserti32x4(weights, _mm_loadu_si128((const __m128i *)(blocks[3] + 16 * quad)), 3);
  return weights;
}

// Where the sums of 16 channels start: 128 times the weights' sum is taken off.
ALWAYS_INLINE __m512i biasesBelow(__m512i biases, const int8_t *const *blocks, ptrdiff_t quads) {
  __m512i sums = _mm512_setzero_si512();
  for (ptrdiff_t q = 0; q < quads; q++) {
    sums = _mm512_dpbusd_epi32(sums, _mm512_set1_epi8(-128), loadQuad(blocks, q));
  }
  return _mm512_sub_epi32(biases, sums);
}

// The codes of `count` rows in 16 channels a vector.
ALWAYS_INLINE void computeTile(
  const int count, const int vectors, const CodeRows *rows, ptrdiff_t row, const int8_t *const *blocks,
  const Channels16 *channels, const Limits *limits, int8_t *output, ptrdiff_t outputStride) {
  __m512i sums[tileRows][2];
#pragma clang loop unroll(full)
  for (int r = 0; r < count; r++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) sums[r][v] = channels[v].biases;
  }
  const int8_t *const codes = rows->codes + 4 * rows->quads * row;
  for (ptrdiff_t q = 0; q < rows->quads; q++) {
    __m512i weights[2];
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) weights[v] = loadQuad(blocks + 4 * v, q);
#pragma clang loop unroll(full)
    for (int r = 0; r < count; r++) {
      int32_t quad;
      memcpy(&quad, codes + 4 * (rows->quads * r + q), 4);
      const __m512i inputs = _mm512_set1_epi32(quad);
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++) sums[r][v] = _mm512_dpbusd_epi32(sums[r][v], inputs, weights[v]);
    }
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < count; r++) {
    int8_t *const target = output + outputStride * (row + r);
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) storeCodes(sums[r][v], &channels[v], limits, target + 16 * v);
  }
}

// The same for all rows, in tiles.
ALWAYS_INLINE void computeRows(
  const int vectors, const CodeRows *rows, const int8_t *const *blocks, const Channels16 *channels,
  const Limits *limits, int8_t *output, ptrdiff_t outputStride) {
  ptrdiff_t row = 0;
  for (; row + tileRows <= rows->count; row += tileRows) {
    computeTile(tileRows, vectors, rows, row, blocks, channels, limits, output, outputStride);
  }
  const ptrdiff_t left = rows->count - row;
  if (left & 8) {
    computeTile(8, vectors, rows, row, blocks, channels, limits, output, outputStride);
    row += 8;
  }
  if (left & 4) {
    computeTile(4, vectors, rows, row, blocks, channels, limits, output, outputStride);
    row += 4;
  }
  if (left & 2) {
    computeTile(2, vectors, rows, row, blocks, channels, limits, output, outputStride);
    row += 2;
  }
  if (left & 1) computeTile(1, vectors, rows, row, blocks, channels, limits, output, outputStride);
}

// All channels of a group.
static void computeGroup(
  const CodeRows *rows, const qi_requantization *r, const int8_t *weights, ptrdiff_t channel, ptrdiff_t count,
  int8_t *output, ptrdiff_t outputStride) {
  const Limits limits = limitsOf(r);
  for (ptrdiff_t c = 0; c < count; c += 32) {
    const ptrdiff_t left = count - c;
    const int8_t *blocks[8];
    locateBlocks(weights + 4 * c * rows->quads, rows->quads, left, 8, blocks);
    Channels16 channels[2] = {loadChannels(r, channel + c, left)};
    channels[0].biases = biasesBelow(channels[0].biases, blocks, rows->quads);
    if (left > 16) {
      channels[1] = loadChannels(r, channel + c + 16, left - 16);
      channels[1].biases = biasesBelow(channels[1].biases, blocks + 4, rows->quads);
      computeRows(2, rows, blocks, channels, &limits, output + channel + c, outputStride);
    } else {
      computeRows(1, rows, blocks, channels, &limits, output + channel + c, outputStride);
    }
  }
}

// Gathers the inputs of cells, the first one at a column and a row.
static void gatherRows(
  const qi_gathering *gathering, int32_t column, int32_t row, int32_t channel, ptrdiff_t count, int8_t *to) {
  for (; count > 0; count -= 1, to += 4 * gathering->quads) {
    qi_gather(gathering, column, row, channel, to);
    row += 1;
    if (row == gathering->c->outputRowCount) row = 0, column += 1;
  }
}

void qi_convolution_avx512(
  const qi_convolution *c, int8_t *scratch, ptrdiff_t scratchBytes, int8_t *output) {
  const qi_gathering gathering = qi_gathering_of(c);
  const int32_t groups = c->channels / c->groupChannels;
  const ptrdiff_t outputs = c->outputChannels / groups, rowBytes = 4 * gathering.quads;
  const ptrdiff_t atOnce = scratchBytes / rowBytes;
  // Windows of a cell each that lie one behind the other, in whole quads.
  const bool isCopy = gathering.runs == 1 && rowBytes == c->channels && c->groupChannels == c->channels &&
    c->time.stride == 1 && c->time.padding == 0 && c->frequency.stride == 1 && c->frequency.padding == 0 &&
    c->outputRowCount == c->rowCount;
  CodeRows rows = {.codes = scratch, .quads = gathering.quads};
  int32_t column = c->firstColumn, row = 0;
  for (ptrdiff_t left = c->cellCount; left > 0;) {
    rows.count = left < atOnce ? left : atOnce;
    const int8_t *weights = c->weights;
    int32_t nextColumn = column, nextRow = row;
    for (int32_t group = 0; group < groups; group += 1) {
      nextColumn = column + (int32_t)((row + rows.count) / c->outputRowCount);
      nextRow = (int32_t)((row + rows.count) % c->outputRowCount);
      if (isCopy && nextColumn - (nextRow == 0) <= gathering.lastColumn) {
        const ptrdiff_t cell = (c->start + column) * (ptrdiff_t)c->rowCount + row;
        raise(scratch, c->columns + cell * c->channels, rows.count * rowBytes);
      } else {
        gatherRows(&gathering, column, row, group * c->groupChannels, rows.count, scratch);
        raise(scratch, scratch, rows.count * rowBytes);
      }
      computeGroup(
        &rows, &c->requantization, weights, group * outputs, outputs, output, c->outputChannels);
      weights += (outputs + 3) / 4 * 4 * rowBytes;
    }
    column = nextColumn;
    row = nextRow;
    left -= rows.count;
    output += rows.count * c->outputChannels;
  }
}

// MARK: - Fully connected

// Four quads of one block a vector: quad q times 4 channels in its 128 bits q.
typedef struct {
  __m512i sums[8];
} BlockSums;

ALWAYS_INLINE __m512i spread(__m128i quads) {
  const __m512i places = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
  return _mm512_permutexvar_epi32(places, _mm512_castsi128_si512(quads));
}

// Adds up to four quads of codes times their weights.
ALWAYS_INLINE void addSome(const int8_t *codes, const int8_t *const *blocks, ptrdiff_t place, ptrdiff_t quads, BlockSums *sums) {
  const __m512i inputs = spread(_mm_maskz_loadu_epi32((__mmask8)((1 << quads) - 1), codes));
  const __mmask16 lanes = (__mmask16)((1 << 4 * quads) - 1);
#pragma clang loop unroll(full)
  for (int b = 0; b < 8; b++) {
    const __m512i weights = raised(_mm512_maskz_loadu_epi32(lanes, blocks[b] + place));
    sums->sums[b] = _mm512_dpbusd_epi32(sums->sums[b], weights, inputs);
  }
}

// Adds a stretch of codes times their weights, which begin at a quad.
ALWAYS_INLINE void addStretch(
  const qi_stretch *stretch, const int8_t *const *blocks, ptrdiff_t firstQuad, BlockSums *sums) {
  const int8_t *codes = stretch->codes;
  ptrdiff_t place = 16 * firstQuad, left = stretch->quads;
  // Vectors of weights that each lie in a cache line.
  const ptrdiff_t before = (-(uintptr_t)(blocks[0] + place) & 63) / 16;
  if (before > 0 && left > 8) {
    addSome(codes, blocks, place, before, sums);
    left -= before;
    codes += 4 * before;
    place += 16 * before;
  }
  for (; left >= 4; left -= 4, codes += 16, place += 64) {
    const __m512i inputs = spread(_mm_loadu_si128((const __m128i *)codes));
#pragma clang loop unroll(full)
    for (int b = 0; b < 8; b++) {
      const __m512i weights = raised(_mm512_loadu_si512(blocks[b] + place));
      sums->sums[b] = _mm512_dpbusd_epi32(sums->sums[b], weights, inputs);
    }
  }
  if (left > 0) addSome(codes, blocks, place, left, sums);
}

// The sums of 16 channels from those of their 4 blocks' quads.
ALWAYS_INLINE __m512i gathered(const __m512i *sums) {
  const __m512i low = _mm512_add_epi32(
    _mm512_shuffle_i32x4(sums[0], sums[1], 0x44), _mm512_shuffle_i32x4(sums[0], sums[1], 0xEE));
  const __m512i high = _mm512_add_epi32(
    _mm512_shuffle_i32x4(sums[2], sums[3], 0x44), _mm512_shuffle_i32x4(sums[2], sums[3], 0xEE));
  return _mm512_add_epi32(_mm512_shuffle_i32x4(low, high, 0x88), _mm512_shuffle_i32x4(low, high, 0xDD));
}

// The codes of 16 channels at most, from one on.
ALWAYS_INLINE void storeSums(
  __m512i sums, __m512i offset, const qi_requantization *r, ptrdiff_t channel, ptrdiff_t count, bool mayBeShort,
  const Limits *limits, int8_t *output) {
  const __mmask16 exist = count < 16 ? (__mmask16)((1 << count) - 1) : 0xFFFF;
  const __m512i biases = _mm512_maskz_loadu_epi32(exist, r->biases + channel);
  const __m512i shifts = _mm512_cvtepi8_epi32(_mm_mask_loadu_epi8(_mm_set1_epi8(-1), exist, r->shifts + channel));
  const __m512i x = _mm512_sub_epi32(_mm512_add_epi32(sums, biases), offset);
  if (__builtin_expect(mayBeShort && areSmall(biases) && _mm512_cmplt_epi32_mask(shifts, _mm512_setzero_si512()) == 0xFFFF, true)) {
    const __m512i scaled = scaledOnce(x, _mm512_maskz_loadu_epi32(exist, r->multipliers + channel), shifts);
    __m512i codes = _mm512_add_epi32(scaled, limits->zeroPoint);
    codes = _mm512_min_epi32(_mm512_max_epi32(codes, limits->minimum), limits->maximum);
    _mm_mask_storeu_epi8(output + channel, exist, _mm512_cvtepi32_epi8(codes));
  } else {
    const Channels16 channels = loadChannels(r, channel, count);
    storeCodes(x, &channels, limits, output + channel);
  }
}

void qi_fully_connected_avx512(
  const qi_matrix_product *product, const int8_t *first, ptrdiff_t firstCount, const int8_t *second,
  ptrdiff_t secondCount, int8_t *output) {
  const qi_requantization *const r = &product->requantization;
  const ptrdiff_t quads = (firstCount + secondCount + 3) / 4;
  qi_stretches row;
  qi_list_stretches(&row, first, firstCount, second, secondCount);
  __m512i offsets = _mm512_setzero_si512();
  for (const qi_stretch *part = row.list; part < row.end; part++) {
    offsets = add128Times(offsets, part->codes, 4 * part->quads);
  }
  const __m512i offset = _mm512_set1_epi32(_mm512_reduce_add_epi32(offsets));
  const Limits limits = limitsOf(r);
  const bool mayBeShort = 4 * quads <= mostShortProducts;
  for (ptrdiff_t c = 0; c < product->channels; c += 32) {
    const ptrdiff_t left = product->channels - c;
    const int8_t *blocks[8];
    locateBlocks(product->weights + 4 * c * quads, quads, left, 8, blocks);
    BlockSums sums = {0};
    ptrdiff_t quad = 0;
    for (const qi_stretch *part = row.list; part < row.end; part++) {
      addStretch(part, blocks, quad, &sums);
      quad += part->quads;
    }
    storeSums(gathered(sums.sums), offset, r, c, left, mayBeShort, &limits, output);
    if (left > 16) storeSums(gathered(sums.sums + 4), offset, r, c + 16, left - 16, mayBeShort, &limits, output);
  }
}

#pragma clang attribute pop
#endif
