// What a program needs of a board: memory, text out, an end. On the host, its C library stands for it.
#pragma once
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

// Writes a character; a line goes out with its end.
void board_put(uint8_t character);
void board_put_all(const uint8_t *characters, size_t count);

// Ends the emulation, or the process, with an exit status.
_Noreturn void board_exit(int32_t status);

// The memory that the program may use beside its stack, at a multiple of 16.
uint8_t *board_memory(void);
size_t board_memory_byte_count(void);

// The most that the stack ever took, in bytes; 0 on the host.
size_t board_stack_byte_count(void);

// Paints the stack below the caller, and tells how much of it was used since, in bytes; 0 on the host.
void board_paint_stack(void);
size_t board_used_stack_byte_count(void);

#pragma clang assume_nonnull end
