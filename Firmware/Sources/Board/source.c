// A board without a converter has no source of samples; the ports have one, see ports.
#include "Board.h"

__attribute__((weak)) int32_t source_start(uint32_t rate_millihertz, uint32_t leads) {
  (void)rate_millihertz;
  (void)leads;
  return 0;
}

__attribute__((weak)) int32_t source_next(int16_t *frame) {
  (void)frame;
  return 0;
}

__attribute__((weak)) uint32_t source_lost(void) { return 0; }
