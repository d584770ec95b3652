// The emulated boards' serial ports and counters, polled: no interrupts, so that nothing else takes time.
#if !__STDC_HOSTED__
#include "Board.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))

static int32_t isStarted;

#if defined(__riscv)

// A 16550 on QEMU's virt.
static volatile uint8_t *const uart = (volatile uint8_t *)0x10000000;

static const char name[] = "QEMU virt, RV32IMAC";
const char *wire_name(void) { return name; }

void wire_start(void) { isStarted = 1; }
int32_t wire_receive(void) {
  while (!(uart[5] & 1)) {
  }
  return uart[0];
}
void wire_send(uint8_t byte) {
  while (!(uart[5] & 0x20)) {
  }
  uart[0] = byte;
}

// Under QEMU with -icount the cycle counter counts instructions.
uint32_t wire_counter(void) { return 1; }
uint32_t wire_ticks_per_second(void) { return 0; }
uint32_t wire_tick_mask(void) { return 0xFFFFFFFF; }
uint32_t wire_ticks(void) {
  uint32_t cycles;
  __asm__ volatile("csrr %0, mcycle" : "=r"(cycles));
  return cycles;
}

#else

#if defined(__ARM_ARCH_6M__)

// The nRF51's UART on QEMU's microbit, at its highest rate; Nordic, nRF51 Series Reference Manual, chapter 29.
enum { clock = 16000000, uart = 0x40002000 };

static const char name[] = "QEMU microbit, Cortex-M0";
const char *wire_name(void) { return name; }

void wire_start(void) {
  isStarted = 1;
  REGISTER(uart + 0x50C) = 24;          // PSELTXD
  REGISTER(uart + 0x514) = 25;          // PSELRXD
  REGISTER(uart + 0x524) = 0x10000000;  // BAUDRATE
  REGISTER(uart + 0x500) = 4;           // ENABLE
  REGISTER(uart + 0x000) = 1;           // STARTRX
  REGISTER(uart + 0x008) = 1;           // STARTTX
}
int32_t wire_receive(void) {
  while (!REGISTER(uart + 0x108)) {
  }
  REGISTER(uart + 0x108) = 0;  // RXDRDY
  return (uint8_t)REGISTER(uart + 0x518);
}
void wire_send(uint8_t byte) {
  REGISTER(uart + 0x51C) = byte;
  while (!REGISTER(uart + 0x11C)) {
  }
  REGISTER(uart + 0x11C) = 0;  // TXDRDY
}

#else

// ARM's CMSDK UART on QEMU's MPS2 and MPS3; Arm, Cortex-M System Design Kit TRM, section 4.3.
#if defined(__ARM_ARCH_8_1M_MAIN__)
enum { clock = 32000000, uart = 0x49303000 };
#else
enum { clock = 25000000, uart = 0x40004000 };
#endif

#if defined(__ARM_ARCH_8_1M_MAIN__)
static const char name[] = "QEMU MPS3, Cortex-M55";
const char *wire_name(void) { return name; }
#else
static const char name[] = "QEMU MPS2, Cortex-M4", nameOfM7[] = "QEMU MPS2, Cortex-M7";
// CPUID tells an M7 from an M4.
const char *wire_name(void) { return (REGISTER(0xE000ED00) >> 4 & 0xFFF) == 0xC27 ? nameOfM7 : name; }
#endif

void wire_start(void) {
  isStarted = 1;
  REGISTER(uart + 0x10) = 16;  // BAUDDIV
  REGISTER(uart + 0x08) = 3;   // CTRL: transmit and receive
}
int32_t wire_receive(void) {
  while (!(REGISTER(uart + 0x04) & 2)) {
  }
  return (uint8_t)REGISTER(uart);
}
void wire_send(uint8_t byte) {
  while (REGISTER(uart + 0x04) & 1) {
  }
  REGISTER(uart) = byte;
}

#endif

// SysTick at the processor's clock, counting down over 24 bits; DWT's counter stands still under QEMU. ARMv7-M, B3.3.
enum { control = 0xE000E010, reload = 0xE000E014, value = 0xE000E018 };

uint32_t wire_counter(void) { return 2; }
uint32_t wire_ticks_per_second(void) { return clock; }
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

size_t wire_name_byte_count(void) { return sizeof name - 1; }

// A frame of kind F with the address: see QuantInferTarget's TargetFrame.
void board_faulted(uint32_t address) {
  if (!isStarted) return;
  const uint8_t frame[7] = {'F', 4, 0, (uint8_t)address, (uint8_t)(address >> 8), (uint8_t)(address >> 16), (uint8_t)(address >> 24)};
  uint32_t checksum = ~0u;
  wire_send('Q');
  for (uint32_t place = 0; place < sizeof frame; place += 1) {
    wire_send(frame[place]);
    checksum ^= frame[place];
    for (uint32_t bit = 0; bit < 8; bit += 1) checksum = checksum >> 1 ^ (0xEDB88320u & -(checksum & 1));
  }
  checksum = ~checksum;
  for (uint32_t shift = 0; shift < 32; shift += 8) wire_send((uint8_t)(checksum >> shift));
}

#endif
