// ST's Nucleo-144 with an STM32L4R5ZI: compiled, and not yet run on a board. ST, RM0432 (STM32L4+ reference manual), whose chapters are
// named below; UM2179 (the board), DS12023 (the part).
#include "../registers.h"

#if defined(BOARD_NUCLEO_L4R5ZI)

// RM0432, memory map.
enum {
  rcc = 0x40021000,
  pwr = 0x40007000,
  gpioG = 0x48001800,
  lpuart = 0x40008000,
  adc = 0x50040000,
  adcCommon = 0x50040300,
};

// HSI16: flash needs no wait states up to 20 MHz (RM0432, FLASH, read access latency), so that cycles are the core's own.
enum { clockHertz = 16000000, baud = 115200 };

static const char name[] = "Nucleo-L4R5ZI, Cortex-M4 at 16 MHz";
const char *wire_name(void) { return name; }
size_t wire_name_byte_count(void) { return sizeof name - 1; }

uint32_t wire_ticks_per_second(void) { return clockHertz; }

void wire_start(void) {
  wire_isStarted = 1;
  // RCC: HSI16 for the core, whatever ran before.
  REGISTER(rcc + 0x00) |= 1u << 8;  // CR: HSION
  while (!(REGISTER(rcc + 0x00) & 1u << 10)) {
  }
  REGISTER(rcc + 0x08) = (REGISTER(rcc + 0x08) & ~3u) | 1;  // CFGR: SW
  while ((REGISTER(rcc + 0x08) >> 2 & 3) != 1) {
  }
  REGISTER(rcc + 0x88) = (REGISTER(rcc + 0x88) & ~(3u << 10)) | 2u << 10;  // CCIPR: LPUART1 by HSI16
  REGISTER(rcc + 0x4C) |= 1u << 6;                                         // AHB2ENR: GPIOG
  REGISTER(rcc + 0x58) |= 1u << 28;                                        // APB1ENR1: PWR
  REGISTER(rcc + 0x5C) |= 1;                                               // APB1ENR2: LPUART1
  (void)REGISTER(rcc + 0x5C);                                              // a clock takes two cycles to come
  REGISTER(pwr + 0x04) |= 1u << 9;                                         // PWR, CR2: IOSV, as port G has a supply of its own
  // GPIO: PG7 and PG8, which UM2179 has at the debugger's serial port, in their alternate function 8 (DS12023).
  REGISTER(gpioG + 0x20) = (REGISTER(gpioG + 0x20) & ~(15u << 28)) | 8u << 28;
  REGISTER(gpioG + 0x24) = (REGISTER(gpioG + 0x24) & ~15u) | 8;
  REGISTER(gpioG + 0x00) = (REGISTER(gpioG + 0x00) & ~(15u << 14)) | 10u << 14;
  // LPUART: 8 bits, no parity, 1 stop bit; a byte that nobody took is overwritten.
  REGISTER(lpuart + 0x00) = 0;
  REGISTER(lpuart + 0x08) = 1u << 12;                                                  // CR3: OVRDIS
  REGISTER(lpuart + 0x0C) = (clockHertz / 100 * 256 + baud / 200) / (baud / 100);      // BRR: 256 clocks a bit
  REGISTER(lpuart + 0x00) = 1u << 3 | 1u << 2 | 1;                                     // CR1: TE, RE, UE
}

int32_t wire_receive(void) {
  while (!(REGISTER(lpuart + 0x1C) & 1u << 5)) {  // ISR: RXNE
  }
  return (uint8_t)REGISTER(lpuart + 0x24);
}

void wire_send(uint8_t byte) {
  while (!(REGISTER(lpuart + 0x1C) & 1u << 7)) {  // ISR: TXE
  }
  REGISTER(lpuart + 0x28) = byte;
}

// The pins A0 to A3 of the board (UM2179): PA3, PC0, PC3, PC1, all of them analog after reset; and their channels (DS12023).
static const uint8_t channels[] = {8, 1, 4, 2};

// RM0432, ADC: of 12 bits, by the core's clock, one conversion at a time.
int32_t converter_start(uint32_t leads) {
  if (leads > sizeof channels) return 0;
  REGISTER(rcc + 0x4C) |= 1u << 13;  // AHB2ENR: ADC
  (void)REGISTER(rcc + 0x4C);
  if (REGISTER(adc + 0x08) & 1) return 1;
  REGISTER(adcCommon + 0x08) = 1u << 16;  // CCR: CKMODE
  REGISTER(adc + 0x08) = 0;               // CR: out of deep power down
  REGISTER(adc + 0x08) = 1u << 28;        // ADVREGEN, which takes 20 us
  for (uint32_t start = wire_ticks(); wire_ticks() - start < clockHertz / 40000;) {
  }
  REGISTER(adc + 0x08) |= 1u << 31;  // ADCAL
  while (REGISTER(adc + 0x08) & 1u << 31) {
  }
  for (uint32_t start = wire_ticks(); wire_ticks() - start < 16;) {
  }
  REGISTER(adc + 0x14) = 4u << 24 | 4u << 12 | 4u << 6 | 4u << 3;  // SMPR1: 47.5 clocks for each of the channels
  REGISTER(adc + 0x0C) = 1u << 12;                                 // CFGR: OVRMOD
  REGISTER(adc + 0x00) = 1;                                        // ISR: ADRDY, cleared
  REGISTER(adc + 0x08) |= 1;                                       // CR: ADEN
  while (!(REGISTER(adc + 0x00) & 1)) {
  }
  return 1;
}

int16_t converter_read(uint32_t lead) {
  REGISTER(adc + 0x30) = (uint32_t)channels[lead] << 6;  // SQR1: one conversion
  REGISTER(adc + 0x08) |= 1u << 2;                       // CR: ADSTART
  while (!(REGISTER(adc + 0x00) & 1u << 2)) {            // ISR: EOC, which reading DR clears
  }
  // The middle of the range is 0 mV at the electrode.
  return (int16_t)(REGISTER(adc + 0x40) & 0xFFF) - 2048;
}

#endif
