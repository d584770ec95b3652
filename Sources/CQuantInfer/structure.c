#include "quantinfer_parts.h"

enum { least = 8, greatest = 1024 };

// The status of a caller's structure, whose size is its first word.
static quantinfer_status checked(const void *structure) {
  if (structure == NULL) return QUANTINFER_NULL;
  if ((uintptr_t)structure % 4 != 0) return QUANTINFER_MEMORY_MISALIGNED;
  const uint32_t byte_count = *(const uint32_t *)structure;
  return byte_count < least || byte_count > greatest || byte_count % 4 != 0 ? QUANTINFER_STRUCTURE : QUANTINFER_OK;
}

quantinfer_status quantinfer_structure_write(void *structure, const void *value, size_t byte_count) {
  const quantinfer_status status = checked(structure);
  if (status != QUANTINFER_OK) return status;
  uint32_t *to = structure;
  const uint32_t *from = value;
  for (size_t place = 1; place < to[0] / 4; place += 1) to[place] = place < byte_count / 4 ? from[place] : 0;
  return QUANTINFER_OK;
}

quantinfer_status quantinfer_structure_read(const void *structure, void *value, size_t byte_count) {
  const quantinfer_status status = checked(structure);
  if (status != QUANTINFER_OK) return status;
  const uint32_t *from = structure;
  uint32_t *to = value;
  for (size_t place = 0; place < from[0] / 4; place += 1) {
    if (place < byte_count / 4) {
      to[place] = from[place];
    } else if (from[place] != 0) {
      return QUANTINFER_STRUCTURE;
    }
  }
  return QUANTINFER_OK;
}
