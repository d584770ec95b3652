// The host as a board.
#if __STDC_HOSTED__
#include <stdio.h>
#include <stdlib.h>

#include "Board.h"

static _Alignas(16) uint8_t memory[1 << 20];

void board_put(uint8_t character) { putchar(character); }

void board_put_all(const uint8_t *characters, size_t count) {
  for (size_t index = 0; index < count; index += 1) board_put(characters[index]);
}

_Noreturn void board_exit(int32_t status) { exit(status); }

uint8_t *board_memory(void) { return memory; }

size_t board_memory_byte_count(void) { return sizeof memory; }

size_t board_stack_byte_count(void) { return 0; }

void board_paint_stack(void) {}

size_t board_used_stack_byte_count(void) { return 0; }

#endif
