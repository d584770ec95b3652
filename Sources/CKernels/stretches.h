// A row of inputs that lies in two pieces, one after the other, as stretches of whole quads.
#pragma once
#include <stddef.h>
#include <stdint.h>

// Codes that lie one after the other, in whole quads, one at least. The order is known to the assembly.
typedef struct qi_stretch {
  const int8_t *_Nonnull codes;
  ptrdiff_t quads;
} qi_stretch;

// Two of the stretches may be a quad: the one on the border of both pieces, and the last one, filled up with zeros.
typedef struct qi_stretches {
  qi_stretch list[4];
  qi_stretch *_Nonnull end;
  int8_t quads[8];
} qi_stretches;

static inline __attribute__((always_inline)) void qi_add_stretch(
  qi_stretches *_Nonnull row, const int8_t *_Nonnull codes, ptrdiff_t quads) {
  if (quads > 0) *row->end++ = (qi_stretch){codes, quads};
}

// Lists the stretches of a row, of one input at least.
static inline __attribute__((always_inline)) void qi_list_stretches(
  qi_stretches *_Nonnull row, const int8_t *_Nonnull first, ptrdiff_t firstCount, const int8_t *_Nonnull second,
  ptrdiff_t secondCount) {
  const ptrdiff_t before = firstCount & 3;
  row->end = row->list;
  __builtin_memset(row->quads, 0, sizeof row->quads);
  qi_add_stretch(row, first, firstCount >> 2);
  if (before > 0) {
    for (ptrdiff_t index = 0; index < before; index += 1) row->quads[index] = first[firstCount - before + index];
    for (ptrdiff_t index = before; index < 4 && secondCount > 0; index += 1, secondCount -= 1) {
      row->quads[index] = *second++;
    }
    qi_add_stretch(row, row->quads, 1);
  }
  const ptrdiff_t rest = secondCount & 3;
  qi_add_stretch(row, second, secondCount >> 2);
  if (rest > 0) {
    for (ptrdiff_t index = 0; index < rest; index += 1) row->quads[4 + index] = second[secondCount - rest + index];
    qi_add_stretch(row, row->quads + 4, 1);
  }
}
