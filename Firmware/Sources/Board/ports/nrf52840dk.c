// Nordic's nRF52840 DK: compiled, and not yet run on a board; its UART's code runs on the emulated microbit. Nordic, nRF52840 Product
// Specification, whose chapters are named below; nRF52840 DK Hardware User Guide for the pins.
#include "../registers.h"

#if defined(BOARD_NRF52840DK)

// Product Specification, "Memory map", instantiation.
enum { clockControl = 0x40000000, saadc = 0x40007000, nvmc = 0x4001E000, gpio = 0x50000000 };

// The debugger's serial port, of the user guide: P0.06 to it, P0.08 from it.
enum { transmit = 6, receive = 8 };

static const char name[] = "nRF52840 DK, Cortex-M4 at 64 MHz";
const char *wire_name(void) { return name; }
size_t wire_name_byte_count(void) { return sizeof name - 1; }

uint32_t wire_ticks_per_second(void) { return 64000000; }

void wire_start(void) {
  wire_isStarted = 1;
  // CLOCK: the crystal, whose rate the serial port needs; the core runs at 64 MHz by either.
  REGISTER(clockControl + 0x100) = 0;  // EVENTS_HFCLKSTARTED
  REGISTER(clockControl + 0x000) = 1;  // TASKS_HFCLKSTART
  while (!REGISTER(clockControl + 0x100)) {
  }
  REGISTER(nvmc + 0x540) = 1;  // NVMC, ICACHECNF: the cache before the flash, which is off after reset
  // GPIO: an output that rests at 1, and an input.
  REGISTER(gpio + 0x508) = 1u << transmit;     // OUTSET
  REGISTER(gpio + 0x700 + 4 * transmit) = 3;   // PIN_CNF: output, its own input off
  REGISTER(gpio + 0x700 + 4 * receive) = 0;    // PIN_CNF: input
  nrf_uart_start(transmit, receive, 0x01D7E000);  // UART, BAUDRATE of 115,200
}

int32_t wire_receive(void) { return nrf_uart_receive(); }
void wire_send(uint8_t byte) { nrf_uart_send(byte); }

// The pins A0 to A3 of the board: P0.03, P0.04, P0.28 and P0.29, by their analog inputs' numbers in PSELP.
static const uint8_t inputs[] = {2, 3, 5, 6};

static volatile int16_t result;

// SAADC: of 12 bits, from 0 V to the supply, one sample at a time.
int32_t converter_start(uint32_t leads) {
  if (leads > sizeof inputs) return 0;
  REGISTER(saadc + 0x518) = 2u << 16 | 1u << 12 | 2u << 8;  // CH[0].CONFIG: 10 us, a quarter of the supply, a gain of a quarter
  REGISTER(saadc + 0x514) = 0;                              // CH[0].PSELN: none
  REGISTER(saadc + 0x5F0) = 2;                              // RESOLUTION
  REGISTER(saadc + 0x500) = 1;                              // ENABLE
  return 1;
}

int16_t converter_read(uint32_t lead) {
  REGISTER(saadc + 0x510) = inputs[lead];                   // CH[0].PSELP
  REGISTER(saadc + 0x62C) = (uint32_t)(uintptr_t)&result;   // RESULT.PTR
  REGISTER(saadc + 0x630) = 1;                              // RESULT.MAXCNT
  REGISTER(saadc + 0x100) = 0;                              // EVENTS_STARTED
  REGISTER(saadc + 0x104) = 0;                              // EVENTS_END
  REGISTER(saadc + 0x000) = 1;                              // TASKS_START
  while (!REGISTER(saadc + 0x100)) {
  }
  REGISTER(saadc + 0x004) = 1;  // TASKS_SAMPLE
  while (!REGISTER(saadc + 0x104)) {
  }
  // A single-ended sample near 0 V may come out below; the middle of the range is 0 mV at the electrode.
  return (int16_t)(result < 0 ? 0 : result) - 2048;
}

#endif
