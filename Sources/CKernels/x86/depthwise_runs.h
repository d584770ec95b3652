// What the depthwise convolutions for AVX2 and AVX-512 share: runs of pixels, of which the columns are gathered on the stack.
#pragma once
#include "../InstructionSets.h"
#include <string.h>

#pragma clang assume_nonnull begin

// A depthwise convolution's sizes, in vectors of some taps of a column.
typedef struct {
  ptrdiff_t vectors;     // A column.
  ptrdiff_t span;        // Columns under the kernel.
  ptrdiff_t codeStride;  // Channels, rounded up to whole vectors.
} Sizes;

// As many pixels as the scratch holds.
static ptrdiff_t runLength(const qi_depthwise *d, Sizes sizes) {
  const ptrdiff_t columns = (d->pixels - 1) * d->columnStep + sizes.span;
  if (columns * sizes.vectors <= qi_depthwise_vectors && d->pixels * sizes.codeStride <= qi_depthwise_codes) {
    return d->pixels;
  }
  const ptrdiff_t byColumns = (qi_depthwise_vectors / sizes.vectors - sizes.span) / d->columnStep + 1;
  const ptrdiff_t byCodes = qi_depthwise_codes / sizes.codeStride;
  return byColumns < byCodes ? byColumns : byCodes;
}

// Copies a run's codes to where they belong.
static void copyCodes(
  const qi_depthwise *d, Sizes sizes, const int8_t *codes, ptrdiff_t pixels, int8_t *output, ptrdiff_t outputStride) {
  for (ptrdiff_t p = 0; p < pixels; p++, codes += sizes.codeStride, output += outputStride) {
    if (d->channels == 8) {
      memcpy(output, codes, 8);
      continue;
    }
    if (d->channels != sizes.codeStride) {
      memcpy(output, codes, (size_t)d->channels);
      continue;
    }
    for (ptrdiff_t c = 0; c < d->channels; c += 16) {
      memcpy(output + c, codes + c, 16);
    }
  }
}

#pragma clang assume_nonnull end
