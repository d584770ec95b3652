// The record through a monitor by blocks of 16 frames, as a converter hands them over, for the instructions of a frame: see report.py.
// PACE says where its beats come from. No decision is taken: what is counted is what frames take between decisions.
#include "Board.h"
#include "quantinfer.h"
#include "model.h"

enum { blockFrames = 16 };

static _Alignas(8) uint8_t memory[16384];

int main(int argc, char **argv) {
  (void)argc, (void)argv;
  quantinfer_options options;
  model_set_options(&options);
  options.pace = PACE;
  options.rhythm_codes_per_octave = 0;
  quantinfer_monitor *monitor;
  if (quantinfer_monitor_init(&monitor, model, model_byte_count, &options, memory, sizeof memory) != QUANTINFER_OK) return 1;
  for (size_t place = 0, taken = 0; place < model_sample_count; place += taken) {
    // The rest of a block that ended with a column, or a new one.
    const size_t rest = blockFrames - place % blockFrames, left = model_sample_count - place;
    if (quantinfer_monitor_push(monitor, model_samples + place, rest < left ? rest : left, &taken) != QUANTINFER_OK) return 1;
  }
  return 0;
}
