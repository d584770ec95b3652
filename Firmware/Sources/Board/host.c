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

// Standard input and output are the host's wire.
void wire_start(void) {}

int32_t wire_receive(void) {
  const int byte = getchar();
  return byte == EOF ? -1 : byte;
}

void wire_send(uint8_t byte) {
  putchar(byte);
  fflush(stdout);
}

const char *wire_name(void) { return "host"; }

size_t wire_name_byte_count(void) { return 4; }

uint32_t wire_counter(void) { return 0; }
uint32_t wire_ticks_per_second(void) { return 0; }
uint32_t wire_tick_mask(void) { return 0; }
uint32_t wire_ticks(void) { return 0; }

#endif
