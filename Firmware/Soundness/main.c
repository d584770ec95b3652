// A device whose memory loses bits, one at a time: what quantinfer.h says of them, on the board.
//
// Every bit of the device's record is found, and no function follows it. Whatever bit of the state is lost, nothing is written
// outside, and the decisions become those of a device that lost none, or quantinfer_is_sound tells it at once.
#include "Board.h"
#include "quantinfer.h"
#include "model.h"

enum {
  recordByteCount = 16 * sizeof(void *),
  fenceByteCount = 32,
  beginSample = 400,   // the window is full
  healSamples = 976,   // it is full of other samples, and the filter's greatest error has gone: 368 + 608
  comparedSamples = 96,
  greatestDecisionCount = comparedSamples,
  stateStep = 149,     // every so many bits of the state, and all of its first words
  wordByteCount = 16,
};

static _Alignas(16) struct {
  uint8_t before[fenceByteCount];
  uint8_t device[model_pipeline_byte_count];
  uint8_t behind[fenceByteCount];
} memory;
static uint8_t healthy[model_pipeline_byte_count];
static uint8_t saved[2048];

// Decisions: the sample, and the logits.
typedef struct {
  size_t sample;
  int8_t logits[4];
} decision;
static decision expected[greatestDecisionCount];
static size_t expectedCount;

static void put(const char *text) {
  while (*text != 0) board_put((uint8_t)*text++);
}

static void putNumber(size_t number) {
  if (number > 9) putNumber(number / 10);
  board_put((uint8_t)('0' + number % 10));
}

static void copy(uint8_t *to, const uint8_t *from, size_t count) {
  for (size_t place = 0; place < count; place += 1) to[place] = from[place];
}

static bool isSame(const uint8_t *one, const uint8_t *other, size_t count) {
  for (size_t place = 0; place < count; place += 1) {
    if (one[place] != other[place]) return false;
  }
  return true;
}

static bool areFencesWhole(void) {
  for (size_t place = 0; place < fenceByteCount; place += 1) {
    if (memory.before[place] != 0 || memory.behind[place] != 0) return false;
  }
  return true;
}

static void flip(size_t bit) { memory.device[bit / 8] ^= (uint8_t)(1u << bit % 8); }

// Runs on to the samples that are compared, and over them; whether their decisions are those expected.
static bool healed(quantinfer_pipeline *pipeline, bool isFirst) {
  size_t count = 0;
  for (size_t sample = beginSample; sample < beginSample + healSamples + comparedSamples; sample += 1) {
    if (!quantinfer_pipeline_push(pipeline, model_samples[sample])) continue;
    decision next = {sample, {0}};
    (void)quantinfer_pipeline_decide(pipeline, next.logits, sizeof next.logits);
    if (sample < beginSample + healSamples || count == greatestDecisionCount) continue;
    if (isFirst) {
      expected[count] = next;
    } else if (count >= expectedCount || expected[count].sample != sample ||
               !isSame((const uint8_t *)expected[count].logits, (const uint8_t *)next.logits, sizeof next.logits)) {
      return false;
    }
    count += 1;
  }
  if (isFirst) expectedCount = count;
  return count == expectedCount;
}

// Whether a lost bit of the record is found, and nothing is done.
static bool isRefused(quantinfer_pipeline *pipeline, size_t savedByteCount) {
  int8_t logits[4];
  const bool isRefused =
    !quantinfer_pipeline_is_sound(pipeline) && !quantinfer_pipeline_push(pipeline, 100) && quantinfer_pipeline_decide(pipeline, logits, 4) == -1 &&
    quantinfer_pipeline_save(pipeline, saved, sizeof saved) == QUANTINFER_NOT_SOUND &&
    quantinfer_pipeline_restore(pipeline, saved, savedByteCount) == QUANTINFER_NOT_SOUND && quantinfer_pipeline_state_checksum(pipeline) == 0;
  quantinfer_pipeline_reset(pipeline);
  return isRefused;
}

static void putLine(const char *what, size_t count, size_t found, size_t wrong) {
  put(what);
  putNumber(count);
  put(" bits lost, ");
  putNumber(found);
  put(" found, ");
  putNumber(wrong);
  put(" wrong\n");
}

int main(int argc, char **argv) {
  (void)argc, (void)argv;
  quantinfer_needs needs;
  needs.byte_count = sizeof needs;
  if (quantinfer_pipeline_inspect(model, model_byte_count, &needs) != QUANTINFER_OK) return 65;
  if (needs.logit_count > 4 || needs.saved_byte_count > sizeof saved) return 65;
  if (model_sample_count < beginSample + healSamples + comparedSamples) return 65;
  quantinfer_pipeline *pipeline;
  if (quantinfer_pipeline_init(&pipeline, model, model_byte_count, memory.device, sizeof memory.device) != QUANTINFER_OK) return 1;
  for (size_t sample = 0; sample < beginSample; sample += 1) quantinfer_pipeline_push(pipeline, model_samples[sample]);
  if (quantinfer_pipeline_save(pipeline, saved, sizeof saved) != QUANTINFER_OK) return 1;
  const uint32_t checksum = quantinfer_pipeline_state_checksum(pipeline);
  copy(healthy, memory.device, sizeof healthy);

  size_t wrong = 0;
  for (size_t bit = 0; bit < 8 * recordByteCount; bit += 1) {
    flip(bit);
    const bool isFound = isRefused(pipeline, needs.saved_byte_count);
    flip(bit);
    if (!isFound || !isSame(memory.device, healthy, sizeof healthy)) wrong += 1;
  }
  putLine("record: ", 8 * recordByteCount, 8 * recordByteCount - wrong, wrong);

  if (!healed(pipeline, true) || expectedCount == 0) return 1;
  size_t count = 0, found = 0, wrongStates = 0;
  const size_t bits = 8 * (size_t)needs.state_byte_count;
  for (size_t bit = 0; bit < bits; bit += bit < 8 * wordByteCount ? 1 : stateStep) {
    copy(memory.device, healthy, sizeof healthy);
    flip(8 * recordByteCount + bit);
    const bool isFound = !quantinfer_pipeline_is_sound(pipeline);
    const bool isAsItWas = healed(pipeline, false);
    const bool isWhole = areFencesWhole() && isSame(memory.device, healthy, recordByteCount);
    // Asked again at the end, as what was lost may not last.
    if (!isWhole || (!isFound && !isAsItWas)) wrongStates += 1;
    copy(memory.device, healthy, sizeof healthy);
    flip(8 * recordByteCount + bit);
    if (quantinfer_pipeline_state_checksum(pipeline) == checksum) wrongStates += 1;
    count += 1;
    found += isFound;
  }
  putLine("state: ", count, found, wrongStates);
  return wrong == 0 && wrongStates == 0 && found > 0 ? 0 : 1;
}
