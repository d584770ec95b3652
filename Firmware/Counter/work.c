// The record through a queue, one frame a call of quantinfer_monitor_work and then as many as come in a DMA block, awake and asleep: for
// the instructions of each call, which Firmware/Counter/instructions.c counts and report.py holds to docs/guides/Firmware.md.
//
// Prints a line a call, in their order: of work the number of frames taken before it and how many it took, of next its status and the
// columns that were computed for it.
#include "Board.h"
#include "quantinfer.h"
#include "model.h"

enum { queueFrames = 64, blockFrames = 20, greatestClassCount = 16 };

static _Alignas(8) uint8_t memory[model_monitor_byte_count + 4096];

static void put(const char *text) {
  while (*text != 0) board_put((uint8_t)*text++);
}

static void putNumber(uint32_t number) {
  if (number > 9) putNumber(number / 10);
  board_put((uint8_t)('0' + number % 10));
}

static void putCall(const char *name, uint32_t one, uint32_t other) {
  put(name);
  putNumber(one);
  put(" ");
  putNumber(other);
  put("\n");
}

static bool run(int32_t wakePercent, uint32_t framesAtOnce) {
  static int16_t ring[queueFrames];
  static quantinfer_queue queue;
  quantinfer_monitor *monitor;
  quantinfer_options options;
  model_set_options(&options);
  options.majority_count = 3;
  options.wake_percent = wakePercent;
  if (wakePercent > 0) options.rhythm_codes_per_octave = 0;
  if (quantinfer_monitor_init(&monitor, model, model_byte_count, &options, memory, sizeof memory) != QUANTINFER_OK) return false;
  if (quantinfer_queue_init(&queue, ring, queueFrames, 1) != QUANTINFER_OK) return false;
  put(wakePercent > 0 ? "asleep\n" : "awake\n");
  quantinfer_progress progress;
  progress.byte_count = sizeof progress;
  quantinfer_decision decision;
  decision.byte_count = sizeof decision;
  int8_t logits[greatestClassCount];
  for (uint32_t fed = 0, taken = 0; fed < model_sample_count;) {
    const uint32_t left = (uint32_t)model_sample_count - fed, count = left < framesAtOnce ? left : framesAtOnce;
    quantinfer_monitor_feed(&queue, model_samples + fed, count);
    fed += count;
    do {
      if (quantinfer_monitor_work(monitor, &queue, &progress) != QUANTINFER_OK || progress.lost_count > 0) return false;
      putCall("work ", taken, progress.frame_count);
      taken += progress.frame_count;
      for (quantinfer_status status = QUANTINFER_DECIDED; status == QUANTINFER_DECIDED;) {
        status = quantinfer_monitor_next(monitor, &decision, logits, sizeof logits);
        putCall("next ", (uint32_t)status, status == QUANTINFER_DECIDED ? decision.burst_columns : 0);
      }
    } while (progress.frame_count > 0);
  }
  return true;
}

int main(int argc, char **argv) {
  (void)argc, (void)argv;
  return run(0, 1) && run(0, blockFrames) && run(10, 1) && run(10, blockFrames) ? 0 : 1;
}
