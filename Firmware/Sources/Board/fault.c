// A processor's fault, told to the host: a frame of kind F with the address; see QuantInferTarget's TargetFrame.
#include "registers.h"

#if !__STDC_HOSTED__

int32_t wire_isStarted;

void board_faulted(uint32_t address) {
  if (!wire_isStarted) return;
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
