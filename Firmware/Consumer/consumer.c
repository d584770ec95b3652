// Another project's program, in C11 and in C++17, by another compiler: what GCC for bare metal makes of the header, and what its
// linker makes of the library, for each way to pass floating-point numbers; see consumers.sh.
//
// It decides on the model's samples over a save and a restore, and prints decisions as Example/main.c does.
#include <stdalign.h>

#include "Board.h"
#include "quantinfer.h"

#ifdef __cplusplus
extern "C" {
#endif
#include "model.h"
int main(int argc, char **argv);
#ifdef __cplusplus
}
#endif

enum { greatestClassCount = 16 };

alignas(8) static uint8_t memory[model_pipeline_byte_count];
static uint8_t saved[4096];

static void put(const char *text) {
  while (*text != 0) board_put((uint8_t)*text++);
}

static void put_number(int32_t number) {
  if (number < 0) {
    board_put('-');
    number = -number;
  }
  if (number > 9) put_number(number / 10);
  board_put((uint8_t)('0' + number % 10));
}

static void put_decision(size_t index, const int8_t *logits, uint32_t count) {
  put("decision at sample ");
  put_number((int32_t)index);
  put(":");
  for (uint32_t place = 0; place < count && place < 8; place += 1) {
    put(" ");
    put_number(logits[place]);
  }
  put("\n");
}

// A brown-out: what was saved before it goes on after it, in memory set up anew.
static bool goes_on(quantinfer_pipeline **pipeline) {
  if (quantinfer_pipeline_save(*pipeline, saved, sizeof saved) != QUANTINFER_OK) return false;
  for (size_t place = 0; place < sizeof memory; place += 1) memory[place] = 0xA5;
  if (quantinfer_pipeline_init(pipeline, model, model_byte_count, memory, sizeof memory) != QUANTINFER_OK) return false;
  return quantinfer_pipeline_restore(*pipeline, saved, sizeof saved) == QUANTINFER_OK;
}

int main(int argc, char **argv) {
  (void)argc, (void)argv;
  quantinfer_needs found;
  found.byte_count = sizeof found;
  if (quantinfer_pipeline_inspect(model, model_byte_count, &found) != QUANTINFER_OK || found.memory_byte_count != sizeof memory) return 65;
  if (found.logit_count > greatestClassCount || found.saved_byte_count > sizeof saved) return 65;

  // Errors come with their numbers.
  quantinfer_pipeline *pipeline;
  quantinfer_status status = quantinfer_pipeline_init(&pipeline, model, model_byte_count - 4, memory, sizeof memory);
  if (status != QUANTINFER_TRUNCATED) return 1;
  status = quantinfer_pipeline_init(&pipeline, model, model_byte_count, memory, sizeof memory - 8);
  if (status != QUANTINFER_MEMORY_TOO_SMALL) return 1;
  status = quantinfer_pipeline_init(&pipeline, model, model_byte_count, memory, sizeof memory);
  if (status != QUANTINFER_OK) return 1;

  uint32_t decision_count = 0;
  for (size_t index = 0; index < model_sample_count; index += 1) {
    if (index == model_sample_count / 3 && !goes_on(&pipeline)) return 1;
    if (!quantinfer_pipeline_push(pipeline, model_samples[index])) continue;
    int8_t logits[greatestClassCount];
    if (quantinfer_pipeline_decide(pipeline, logits, greatestClassCount) < 0) return 1;
    if (decision_count++ % 32 == 0) put_decision(index, logits, found.logit_count);
  }
  return quantinfer_pipeline_is_sound(pipeline) ? 0 : 1;
}
