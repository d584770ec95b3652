// What counts a board's time: cycles on silicon, instructions on an emulated board.
#include "registers.h"

#if defined(__riscv)

// Under QEMU with -icount the cycle counter counts instructions.
uint32_t wire_counter(void) { return 1; }
uint32_t wire_ticks_per_second(void) { return 0; }
uint32_t wire_tick_mask(void) { return 0xFFFFFFFF; }
uint32_t wire_ticks(void) {
  uint32_t cycles;
  __asm__ volatile("csrr %0, mcycle" : "=r"(cycles));
  return cycles;
}

#elif BOARD_IS_PORT

// DWT's cycle counter, which every Cortex-M3, M4, M7, M33 and M55 on the market has; Arm, ARMv7-M Architecture Reference Manual
// (DDI 0403), sections C1.6.5 (DEMCR) and C1.8 (DWT).
enum { monitorControl = 0xE000EDFC, control = 0xE0001000, cycles = 0xE0001004 };

uint32_t wire_counter(void) { return 1; }
uint32_t wire_tick_mask(void) { return 0xFFFFFFFF; }
uint32_t wire_ticks(void) {
  if (!(REGISTER(control) & 1)) {
    REGISTER(monitorControl) |= 1u << 24;  // TRCENA
    REGISTER(cycles) = 0;
    REGISTER(control) |= 1;  // CYCCNTENA
  }
  return REGISTER(cycles);
}

#elif BOARD_IS_EMULATED

// SysTick at the processor's clock, counting down over 24 bits; DWT's counter stands still under QEMU. ARMv7-M, B3.3.
enum { control = 0xE000E010, reload = 0xE000E014, value = 0xE000E018 };

uint32_t wire_counter(void) { return 2; }
uint32_t wire_tick_mask(void) { return 0xFFFFFF; }
uint32_t wire_ticks(void) {
  if (!(REGISTER(control) & 1)) {
    REGISTER(reload) = 0xFFFFFF;
    REGISTER(value) = 0;
    REGISTER(control) = 5;
  }
  return 0xFFFFFF - REGISTER(value);
}

#endif
