// How a mean divides by its number of cells.
#pragma once
#include <stdint.h>

// A division of magnitudes below 2^15 by the number of cells, as a product: floor(n / cells) = n * factor >> 16 >> shift.
typedef struct {
  int shift;
  uint32_t factor;
} CellDivision;

static inline CellDivision divisionBy(int32_t cells) {
  int shift = 31 - __builtin_clz((unsigned)cells);
  if (cells == 1 << shift) shift -= 1;
  return (CellDivision){.shift = shift, .factor = ((65536u << shift) + (unsigned)cells - 1) / (unsigned)cells};
}
