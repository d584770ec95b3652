// A program that takes as little of the monitor as a device can: set-up, frames, decisions, and a saved state; with -DQUEUE frames come
// through the queue, with -DPATCH a patch is applied. Its code is what Firmware/boards.sh monitor-sizes tells.
#include "Board.h"
#include "quantinfer.h"
#include "model.h"

static _Alignas(8) uint8_t memory[model_monitor_byte_count];
static uint8_t saved[model_saved_byte_count];

int main(int argc, char **argv) {
  (void)argc, (void)argv;
  quantinfer_options options;
  model_set_options(&options);
  quantinfer_monitor *monitor;
  if (quantinfer_monitor_init(&monitor, model, model_byte_count, &options, memory, sizeof memory) != QUANTINFER_OK) return 1;
#ifdef PATCH
  static _Alignas(8) uint8_t buffer[8192];
  quantinfer_patch_slots slots = {0};
  slots.byte_count = sizeof slots;
  uint32_t number;
  if (quantinfer_monitor_apply_newest(monitor, &slots, buffer, sizeof buffer, &number) != QUANTINFER_NO_PATCH) return 1;
#endif
#ifdef QUEUE
  static int16_t ring[64];
  static quantinfer_queue queue;
  quantinfer_progress progress;
  progress.byte_count = sizeof progress;
  if (quantinfer_queue_init(&queue, ring, 64, 1) != QUANTINFER_OK) return 1;
#endif
  for (size_t place = 0, taken = 0; place < model_sample_count; place += taken) {
#ifdef QUEUE
    quantinfer_monitor_feed(&queue, model_samples + place, 1);
    if (quantinfer_monitor_work(monitor, &queue, &progress) != QUANTINFER_OK) return 1;
    taken = progress.frame_count;
#else
    if (quantinfer_monitor_push(monitor, model_samples + place, model_sample_count - place, &taken) != QUANTINFER_OK) return 1;
#endif
    quantinfer_decision decision;
    decision.byte_count = sizeof decision;
    int8_t logits[model_logit_count];
    while (quantinfer_monitor_next(monitor, &decision, logits, sizeof logits) == QUANTINFER_DECIDED) {
      board_put((uint8_t)('0' + decision.class_index));
    }
  }
  if (quantinfer_monitor_save(monitor, saved, sizeof saved) != QUANTINFER_OK) return 1;
  return quantinfer_monitor_restore(monitor, saved, sizeof saved) != QUANTINFER_OK;
}
