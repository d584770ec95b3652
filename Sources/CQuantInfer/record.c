#include "quantinfer_parts.h"

// As the runtime's WordChecksum: every change within one word is found, at five instructions a word: a record has one at least.
static uint32_t checksum(const uint32_t *words, size_t byte_count) {
  uint32_t sum = 0x9E3779B1;
  const uint32_t *end = words + byte_count / 4;
  do {
    sum = ((sum << 5 | sum >> 27) ^ *words++) * 0x9E3779B1;
  } while (words < end);
  return sum;
}

bool quantinfer_record_is_whole(const void *record, size_t byte_count) {
  if (record == NULL || (uintptr_t)record % 8 != 0) return false;
  const uint32_t *words = record;
  return words[byte_count / 4] == checksum(words, byte_count);
}

void quantinfer_record_seal(void *record, size_t byte_count) {
  uint32_t *words = record;
  words[byte_count / 4] = checksum(words, byte_count);
}
