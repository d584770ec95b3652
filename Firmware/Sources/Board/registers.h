// What the boards' files share: registers, the processor's tables, and what several boards have alike.
#pragma once
#include "Board.h"

// A board on a desk has no debugger that answers its program; an emulated board has.
#if defined(BOARD_WITHOUT_DEBUGGER)
#define BOARD_IS_PORT 1
#elif !__STDC_HOSTED__
#define BOARD_IS_EMULATED 1
#endif

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))

#if !__STDC_HOSTED__
// Set by wire_start: a program that never starts the wire says nothing there.
extern int32_t wire_isStarted;

// Nordic's UART, polled: the pins by their numbers, and the value of BAUDRATE.
void nrf_uart_start(uint32_t transmit, uint32_t receive, uint32_t baudrate);
int32_t nrf_uart_receive(void);
void nrf_uart_send(uint8_t byte);
#endif

#if BOARD_IS_PORT
// A port's converter, for sampling.c: whether it has so many leads, once started; and the next count of one of them.
int32_t converter_start(uint32_t leads);
int16_t converter_read(uint32_t lead);
#endif
