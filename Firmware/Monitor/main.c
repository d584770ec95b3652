// Firmware in C that runs the whole device over the record that it carries, and prints what Firmware/Sources/Firmware/MonitorRun.swift
// prints of the same: as the options come, with a majority of three, asleep between beats in rhythm, and with a patch where it has one.
//
// With -DLIST each decision of the first way has a line too, for report.py to compare with those of `device-sim stream --json`.
//
// Each is run sample by sample, in blocks over a brown-out, and through the queue, and all three must say the same.
#include "Board.h"
#include "quantinfer.h"
#include "model.h"

enum { greatestClassCount = 16, blockFrames = 50, queueFrames = 64 };

// How frames come to the monitor.
typedef enum { bySamples, byBlocks, byQueue, wayCount } way;

typedef struct {
  const char *name;
  int32_t majority, wakePercent;
  bool isPatched;
} run;

// What a run said, as checksums, and how many decisions there were.
typedef struct {
  uint32_t count, announcements, times;
  bool isWrong, isListed;
} result;

static uint8_t *next;  // what is left of the board's memory

static void put(const char *text) {
  while (*text != 0) board_put((uint8_t)*text++);
}

static void putNumber(uint32_t number) {
  if (number > 9) putNumber(number / 10);
  board_put((uint8_t)('0' + number % 10));
}

static void putHexadecimal(uint32_t number) {
  for (int shift = 28; shift >= 0; shift -= 4) board_put((uint8_t)"0123456789abcdef"[number >> shift & 15]);
}

static void putLine(const char *name, const char *what, uint32_t count, uint32_t checksum) {
  put(name);
  put(what);
  putNumber(count);
  put(", CRC ");
  putHexadecimal(checksum);
  put("\n");
}

static uint32_t extended(uint32_t checksum, const uint8_t *bytes, size_t count) {
  uint32_t crc = ~checksum;
  for (size_t index = 0; index < count; index += 1) {
    crc ^= bytes[index];
    for (int bit = 0; bit < 8; bit += 1) crc = crc >> 1 ^ (0xEDB88320u & -(crc & 1));
  }
  return ~crc;
}

static uint32_t extendedByWord(uint32_t checksum, uint32_t word) {
  const uint8_t bytes[4] = {(uint8_t)word, (uint8_t)(word >> 8), (uint8_t)(word >> 16), (uint8_t)(word >> 24)};
  return extended(checksum, bytes, sizeof bytes);
}

// Some of the board's memory, at a multiple of 16; NULL where there is no more.
static uint8_t *take(size_t byteCount) {
  uint8_t *taken = next;
  if ((size_t)(next - board_memory()) + byteCount > board_memory_byte_count()) return NULL;
  next += (byteCount + 15) / 16 * 16;
  return taken;
}

#ifdef LIST
static void putSigned(int32_t number) {
  put(number < 0 ? " -" : " ");
  putNumber(number < 0 ? 0u - (uint32_t)number : (uint32_t)number);
}

static void list(const quantinfer_decision *decision, const int8_t *logits, size_t logitCount) {
  put("decision");
  putSigned((int32_t)decision->sample_number);
  putSigned(decision->is_about_beat ? (int32_t)decision->beat_sample_number : -1);
  putSigned(decision->reason);
  putSigned(decision->announcement == QUANTINFER_ASLEEP);
  putSigned(decision->class_index);
  for (size_t index = 0; decision->has_logits && index < logitCount; index += 1) putSigned(logits[index]);
  put("\n");
}
#endif

// Takes all decisions that are due.
static void decide(quantinfer_monitor *monitor, size_t logitCount, result *found) {
  int8_t logits[greatestClassCount];
  quantinfer_decision decision;
  decision.byte_count = sizeof decision;
  while (quantinfer_monitor_next(monitor, &decision, logits, logitCount) == QUANTINFER_DECIDED) {
    uint32_t code = 0x80000000u;
    if (decision.announcement == QUANTINFER_RESULT) code = (uint32_t)(decision.class_index * 1024 + decision.margin_codes);
    if (decision.announcement == QUANTINFER_NO_RESULT) code = (uint32_t)-decision.reason;
    found->count += 1;
    found->announcements = extendedByWord(found->announcements, code);
    if (decision.has_logits) {
      found->announcements = extended(found->announcements, (const uint8_t *)logits, logitCount);
    }
    const uint32_t beat = decision.is_about_beat ? decision.beat_sample_number : ~0u;
    found->times = extendedByWord(extendedByWord(found->times, decision.sample_number), beat);
#ifdef LIST
    if (found->isListed) list(&decision, logits, logitCount);
#endif
  }
}

#ifdef model_patch_sequence_number
static bool patch(quantinfer_monitor *monitor, uint8_t *buffer, size_t byteCount) {
  quantinfer_patch_slots slots = {0};
  slots.byte_count = sizeof slots;
  slots.slots[0] = model_patch;
  slots.slot_byte_counts[0] = model_patch_byte_count;
  uint32_t number = 0;
  return quantinfer_monitor_apply_newest(monitor, &slots, buffer, byteCount, &number) == QUANTINFER_OK &&
         number == model_patch_sequence_number;
}
#endif

// Hands a block over by one of the ways; whether it was taken.
static bool hand(quantinfer_monitor *monitor, quantinfer_queue *queue, way how, const int16_t *frames, size_t count,
                 size_t logitCount, result *found) {
  if (how == byQueue) {
    quantinfer_monitor_feed(queue, frames, count);
    quantinfer_progress progress;
    progress.byte_count = sizeof progress;
    do {
      if (quantinfer_monitor_work(monitor, queue, &progress) != QUANTINFER_OK || progress.lost_count > 0) return false;
      decide(monitor, logitCount, found);
    } while (progress.frame_count > 0);
    return true;
  }
  for (size_t place = 0, taken = 0; place < count; place += taken) {
    if (quantinfer_monitor_push(monitor, frames + place, how == bySamples ? 1 : count - place, &taken) != QUANTINFER_OK) {
      return false;
    }
    decide(monitor, logitCount, found);
  }
  return true;
}

static result perform(const run *wanted, way how) {
  const result wrong = {0, 0, 0, true, false};
  result found = {0, 0, 0, false, how == bySamples};
  quantinfer_options options;
  model_set_options(&options);
  if (wanted->majority == 1) options.rhythm_codes_per_octave = 0;
  if (wanted->wakePercent > 0) options.rhythm_codes_per_octave = 0;
  options.majority_count = wanted->majority;
  options.wake_percent = wanted->wakePercent;
  quantinfer_needs needs;
  needs.byte_count = sizeof needs;
  if (quantinfer_monitor_inspect(model, model_byte_count, &options, &needs) != QUANTINFER_OK) return wrong;
  next = board_memory();
  uint8_t *memory = take(needs.memory_byte_count);
  int16_t *ring = (int16_t *)(void *)take(2 * queueFrames);
  // The copy is of a brown-out, the buffer of a patch: no run has both, as the smallest board has no room.
  uint8_t *more = take(wanted->isPatched ? needs.patch_byte_count : needs.saved_byte_count);
  if (memory == NULL || ring == NULL || more == NULL || needs.logit_count > greatestClassCount) return wrong;
  quantinfer_monitor *monitor;
  quantinfer_queue queue;
  if (quantinfer_queue_init(&queue, ring, queueFrames, 1) != QUANTINFER_OK) return wrong;
  if (quantinfer_monitor_init(&monitor, model, model_byte_count, &options, memory, needs.memory_byte_count) != QUANTINFER_OK) {
    return wrong;
  }
#ifdef model_patch_sequence_number
  if (wanted->isPatched && !patch(monitor, more, needs.patch_byte_count)) return wrong;
#endif
  const size_t middle = how == byBlocks && !wanted->isPatched ? model_sample_count / 2 : model_sample_count;
  for (size_t place = 0; place < model_sample_count;) {
    if (place == middle) {
      // A brown-out: what was saved before it goes on after it, in a monitor set up anew.
      if (quantinfer_monitor_save(monitor, more, needs.saved_byte_count) != QUANTINFER_OK) return wrong;
      for (size_t index = 0; index < needs.memory_byte_count; index += 1) memory[index] = 0xA5;
      if (quantinfer_monitor_init(&monitor, model, model_byte_count, &options, memory, needs.memory_byte_count) != QUANTINFER_OK) {
        return wrong;
      }
      more[40] ^= 1;
      if (quantinfer_monitor_restore(monitor, more, needs.saved_byte_count) != QUANTINFER_SAVED_CHECKSUM) return wrong;
      more[40] ^= 1;
      if (quantinfer_monitor_restore(monitor, more, needs.saved_byte_count) != QUANTINFER_OK) return wrong;
    }
    const size_t end = place < middle ? middle : model_sample_count;
    const size_t count = end - place < blockFrames ? end - place : blockFrames;
    if (!hand(monitor, &queue, how, model_samples + place, count, needs.logit_count, &found)) return wrong;
    place += count;
  }
  found.isWrong = !quantinfer_monitor_is_sound(monitor);
  return found;
}

int main(int argc, char **argv) {
  (void)argc, (void)argv;
  board_paint_stack();
  static const run runs[] = {
    {"plain ", 1, 0, false},
    {"awake ", 3, 0, false},
    {"asleep ", 3, 10, false},
#ifdef model_patch_sequence_number
    {"patched ", 3, 0, true},
#endif
  };
  for (size_t index = 0; index < sizeof runs / sizeof runs[0]; index += 1) {
    const result first = perform(&runs[index], bySamples);
    if (first.isWrong) return 1;
    for (way how = byBlocks; how < wayCount; how += 1) {
      const result other = perform(&runs[index], how);
      if (other.isWrong || other.announcements != first.announcements || other.times != first.times) return 2;
    }
    putLine(runs[index].name, "announcements ", first.count, first.announcements);
    putLine(runs[index].name, "times ", first.count, first.times);
  }
  put("stack ");
  putNumber((uint32_t)board_used_stack_byte_count());
  put(" B\n");
  return 0;
}
