// Firmware in C that decides about an ECG: the whole use of quantinfer.h.
//
// The model and the samples are arrays that `exporter export --format c` wrote, and model.h is what it says for a
// header. On a device, samples come from the converter and decisions go to the therapy or the log; here samples are in
// flash, and decisions are printed, and at the end the stack that the library took.
#include "Board.h"
#include "quantinfer.h"
#include "model.h"

enum { greatestClassCount = 16 };

// Static memory: the device first, then what a brown-out must not lose.
static _Alignas(16) uint8_t memory[model_pipeline_byte_count];
static uint8_t saved[4096];

static void put(const char *text) {
  while (*text != 0) board_put((uint8_t)*text++);
}

static void putNumber(int32_t number) {
  if (number < 0) {
    board_put('-');
    number = -number;
  }
  if (number > 9) putNumber(number / 10);
  board_put((uint8_t)('0' + number % 10));
}

int main(int argc, char **argv) {
  (void)argc, (void)argv;
  board_paint_stack();
  quantinfer_needs needs;
  needs.byte_count = sizeof needs;
  if (quantinfer_pipeline_inspect(model, model_byte_count, &needs) != QUANTINFER_OK) return 65;
  if (needs.logit_count > greatestClassCount || needs.saved_byte_count > sizeof saved) return 65;
  if (needs.memory_byte_count != sizeof memory) return 65;

  // A damaged image is refused, and nothing runs.
  quantinfer_pipeline *pipeline;
  if (quantinfer_pipeline_init(&pipeline, model, model_byte_count - 4, memory, sizeof memory) != QUANTINFER_TRUNCATED) return 1;
  if (quantinfer_pipeline_init(&pipeline, model, model_byte_count, memory, sizeof memory) != QUANTINFER_OK) return 1;

  uint32_t decisionCount = 0;
  for (size_t index = 0; index < model_sample_count; index += 1) {
    if (index == model_sample_count / 2) {
      // A brown-out: what was saved before it goes on after it, in a device set up anew.
      if (quantinfer_pipeline_save(pipeline, saved, sizeof saved) != QUANTINFER_OK) return 1;
      for (size_t place = 0; place < sizeof memory; place += 1) memory[place] = 0xA5;
      if (quantinfer_pipeline_init(&pipeline, model, model_byte_count, memory, sizeof memory) != QUANTINFER_OK) return 1;
      saved[30] ^= 1;
      if (quantinfer_pipeline_restore(pipeline, saved, sizeof saved) != QUANTINFER_SAVED_CHECKSUM) return 1;
      saved[30] ^= 1;
      if (quantinfer_pipeline_restore(pipeline, saved, sizeof saved) != QUANTINFER_OK) return 1;
    }
    if (!quantinfer_pipeline_push(pipeline, model_samples[index])) continue;
    int8_t logits[greatestClassCount];
    const int32_t class = quantinfer_pipeline_decide(pipeline, logits, greatestClassCount);
    if (class < 0) return 1;
    if (decisionCount++ % 32 != 0) continue;
    put("decision at sample ");
    putNumber((int32_t)index);
    put(":");
    for (uint32_t place = 0; place < needs.logit_count && place < 8; place += 1) {
      put(" ");
      putNumber(logits[place]);
    }
    put("\n");
  }
  put("stack ");
  putNumber((int32_t)board_used_stack_byte_count());
  put(" B\n");
  return 0;
}
