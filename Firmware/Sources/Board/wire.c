// The emulated boards' serial ports, polled: no interrupts, so that nothing else takes time.
#include "registers.h"

#if BOARD_IS_EMULATED

#if defined(__riscv)

// A 16550 on QEMU's virt.
static volatile uint8_t *const uart = (volatile uint8_t *)0x10000000;

static const char name[] = "QEMU virt, RV32IMAC";
const char *wire_name(void) { return name; }

void wire_start(void) { wire_isStarted = 1; }
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

#elif defined(__ARM_ARCH_6M__)

static const char name[] = "QEMU microbit, Cortex-M0";
const char *wire_name(void) { return name; }

void wire_start(void) {
  wire_isStarted = 1;
  nrf_uart_start(24, 25, 0x10000000);  // its highest rate
}
int32_t wire_receive(void) { return nrf_uart_receive(); }
void wire_send(uint8_t byte) { nrf_uart_send(byte); }
uint32_t wire_ticks_per_second(void) { return 16000000; }

#else

// ARM's CMSDK UART on QEMU's MPS2 and MPS3; Arm, Cortex-M System Design Kit TRM, section 4.3.
#if defined(__ARM_ARCH_8_1M_MAIN__)
enum { uart = 0x49303000 };
uint32_t wire_ticks_per_second(void) { return 32000000; }
static const char name[] = "QEMU MPS3, Cortex-M55";
const char *wire_name(void) { return name; }
#else
enum { uart = 0x40004000 };
uint32_t wire_ticks_per_second(void) { return 25000000; }
static const char name[] = "QEMU MPS2, Cortex-M4", nameOfM7[] = "QEMU MPS2, Cortex-M7";
// CPUID tells an M7 from an M4.
const char *wire_name(void) { return (REGISTER(0xE000ED00) >> 4 & 0xFFF) == 0xC27 ? nameOfM7 : name; }
#endif

void wire_start(void) {
  wire_isStarted = 1;
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

size_t wire_name_byte_count(void) { return sizeof name - 1; }

#endif
