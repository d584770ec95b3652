// A port's own source of samples: SysTick's interrupt lets the converter sample at the model's rate, and a ring keeps what comes while
// the host is answered. Arm, ARMv7-M Architecture Reference Manual (DDI 0403), section B3.3 (SysTick).
#include "../registers.h"

#if BOARD_IS_PORT

enum { control = 0xE000E010, reload = 0xE000E014, value = 0xE000E018, longest = 0xFFFFFF };

// Half a second at 128 Hz.
enum { capacity = 64, greatestLeads = 4 };

static int16_t ring[capacity][greatestLeads];
static volatile uint32_t written, lost;
static uint32_t read, leadCount;

int32_t source_start(uint32_t rate_millihertz, uint32_t leads) {
  const uint32_t clock = wire_ticks_per_second();
  REGISTER(control) = 0;
  if (rate_millihertz == 0 || leads == 0 || leads > greatestLeads) return 0;
  // Thousandths of a hertz in two steps, as all of it doesn't fit 32 bits.
  const uint32_t rest = clock % rate_millihertz;
  if (rest > 0xFFFFFFFF / 1000) return 0;
  const uint32_t period = clock / rate_millihertz * 1000 + rest * 1000 / rate_millihertz;
  if (period < 2 || period - 1 > longest || !converter_start(leads)) return 0;
  leadCount = leads;
  read = written = lost = 0;
  REGISTER(reload) = period - 1;
  REGISTER(value) = 0;
  REGISTER(control) = 7;  // enabled, with its interrupt, at the processor's clock
  return 1;
}

// SysTick's interrupt.
void board_ticked(void) {
  if (written - read == capacity) {
    lost += 1;
    return;
  }
  for (uint32_t lead = 0; lead < leadCount; lead += 1) ring[written % capacity][lead] = converter_read(lead);
  written += 1;
}

int32_t source_next(int16_t *frame) {
  while (read == written) {
  }
  // What the interrupt wrote is read after the count that tells of it.
  __asm__ volatile("" ::: "memory");
  for (uint32_t lead = 0; lead < leadCount; lead += 1) frame[lead] = ring[read % capacity][lead];
  __asm__ volatile("" ::: "memory");
  read += 1;
  return 1;
}

uint32_t source_lost(void) { return lost; }

#endif
