// What a program needs of a board: memory, text out, an end. On the host, its C library stands for it.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

// Writes a character; a line goes out with its end.
void board_put(uint8_t character);
void board_put_all(const uint8_t *characters, size_t count);

// Called where the processor met a fault, with the address of the instruction; then the program ends.
void board_faulted(uint32_t address);

// Called at each tick of SysTick, where a program has started it.
void board_ticked(void);

// Ends the emulation, or the process, with an exit status.
__attribute__((noreturn)) void board_exit(int32_t status);

// The memory that the program may use beside its stack, at a multiple of 16.
uint8_t *board_memory(void);
size_t board_memory_byte_count(void);

// The most that the stack ever took, in bytes; 0 on the host.
size_t board_stack_byte_count(void);

// Paints the stack below the caller, and tells how much of it was used since, in bytes; 0 on the host.
void board_paint_stack(void);
size_t board_used_stack_byte_count(void);

// A wire to a host, for `device-sim stream --target`: these functions are what a board of your own needs beside memory.
void wire_start(void);
// The next byte; waits for it. -1 where the wire is closed, which a board's never is.
int32_t wire_receive(void);
void wire_send(uint8_t byte);
// The board's name, in UTF-8.
const char *wire_name(void);
size_t wire_name_byte_count(void);

// A counter: 0 for none, 1 for the core's cycles, 2 for SysTick; what it counts a second, or 0; its bits; and itself.
uint32_t wire_counter(void);
uint32_t wire_ticks_per_second(void);
uint32_t wire_tick_mask(void);
uint32_t wire_ticks(void);

// The board's own source of samples, for `--board-record`; a board without one needs none of these.
// Starts it with frames of a sample of each lead at a rate in thousandths of a hertz; 0 where it has none such.
int32_t source_start(uint32_t rate_millihertz, uint32_t leads);
// Waits for the next frame, and gives it in the model's counts; 0 at the source's end.
int32_t source_next(int16_t *frame);
// The frames that were lost since the start, as they came faster than they were taken.
uint32_t source_lost(void);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif

#ifdef __cplusplus
}
#endif
