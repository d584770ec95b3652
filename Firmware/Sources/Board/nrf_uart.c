// Nordic's UART without DMA, the same in the nRF51 and the nRF52: nRF51 Series Reference Manual, chapter 29 (UART); nRF52840
// Product Specification, "UART - Universal asynchronous receiver/transmitter". QEMU's microbit runs it.
#include "registers.h"

#if !__STDC_HOSTED__

enum { uart = 0x40002000 };

void nrf_uart_start(uint32_t transmit, uint32_t receive, uint32_t baudrate) {
  REGISTER(uart + 0x50C) = transmit;  // PSELTXD
  REGISTER(uart + 0x514) = receive;   // PSELRXD
  REGISTER(uart + 0x524) = baudrate;  // BAUDRATE
  REGISTER(uart + 0x500) = 4;         // ENABLE
  REGISTER(uart + 0x000) = 1;         // STARTRX
  REGISTER(uart + 0x008) = 1;         // STARTTX
}

int32_t nrf_uart_receive(void) {
  while (!REGISTER(uart + 0x108)) {
  }
  REGISTER(uart + 0x108) = 0;  // RXDRDY
  return (uint8_t)REGISTER(uart + 0x518);
}

void nrf_uart_send(uint8_t byte) {
  REGISTER(uart + 0x51C) = byte;
  while (!REGISTER(uart + 0x11C)) {
  }
  REGISTER(uart + 0x11C) = 0;  // TXDRDY
}

#endif
