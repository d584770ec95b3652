// QuantInfer for firmware in C: an ECG in, decisions and announcements out.
//
// Three ways to run an image, of which a linker keeps what a program calls:
//   quantinfer_monitor_*   the whole loop of a device: beats found or given, the network, the watch over the signal, the policy of
//                          announcements, sleep between regular beats, a patient's patch
//   quantinfer_pipeline_*  the network and its front end alone: a sample in, a decision out
//   quantinfer_run_*       the network over a whole window of input, for one that can't take its input sample by sample
//
//   #include "beats.h"  // that `exporter export --format c` wrote
//   static _Alignas(8) uint8_t memory[beats_monitor_byte_count];
//   quantinfer_monitor *monitor;
//   if (quantinfer_monitor_init(&monitor, beats, beats_byte_count, &beats_options, memory, sizeof memory) != QUANTINFER_OK) fail();
//   for (size_t taken, from = 0; from < block_size; from += taken) {
//     if (quantinfer_monitor_push(monitor, block + from, block_size - from, &taken) != QUANTINFER_OK) fail();
//     quantinfer_decision decision = {.byte_count = sizeof decision};
//     while (quantinfer_monitor_next(monitor, &decision, logits, sizeof logits) == QUANTINFER_DECIDED) report(&decision);
//   }
//
// Nothing here allocates, waits, passes floating-point numbers by value, or keeps state outside the memory that it is given. One
// caller at a time may use a monitor, a pipeline or a run; two of them are independent of each other. quantinfer_monitor_feed alone
// may be called in an interrupt while its monitor works. A null pointer and memory at a wrong multiple are refused everywhere.
//
// Structures that may grow begin with their size, which the caller sets: a program and a library of different versions agree on the
// fields that both have. A field that the program doesn't have is as if it were 0, which is each option's default.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// The version of these declarations, and of the library's. It changes where a program would have to, and only then.
#define QUANTINFER_ABI_VERSION 1
uint32_t quantinfer_abi_version(void);

// What functions return. The image's errors have the numbers that the host's tools have for them.
typedef int32_t quantinfer_status;
enum {
  QUANTINFER_OK = 0,
  // The image:
  QUANTINFER_TRUNCATED = 1,
  QUANTINFER_NOT_AN_IMAGE = 2,
  QUANTINFER_OTHER_VERSION = 3,
  QUANTINFER_CHECKSUM = 4,  // a bit was flipped
  QUANTINFER_IMAGE_MISALIGNED = 5,
  QUANTINFER_OFFSET = 6,
  QUANTINFER_TENSOR = 7,
  QUANTINFER_UNSUPPORTED_OPERATOR = 8,
  QUANTINFER_OPERATOR = 9,
  QUANTINFER_MULTIPLIER = 10,
  QUANTINFER_OVERFLOW = 11,
  QUANTINFER_FRONT_END = 12,
  QUANTINFER_STREAMING_PLAN = 13,
  QUANTINFER_BEYOND_LIMITS = 14,  // more memory than any device has, or more than quantinfer_check was given
  QUANTINFER_UNSUPPORTED_SECTION = 15,
  QUANTINFER_UNSUPPORTED_LEADS = 16,  // no leads, more than 4, or more than one in a library built without QUANTINFER_LEADS
  QUANTINFER_NOT_AUTHENTIC = 24,  // no signature, or one that the maker's function refused
  // The call:
  QUANTINFER_MEMORY_TOO_SMALL = 32,
  QUANTINFER_MEMORY_MISALIGNED = 33,
  QUANTINFER_NOT_STREAMABLE = 34,  // no front end, or a network that needs the whole window at once: quantinfer_run_*
  QUANTINFER_NOT_SOUND = 35,       // no record there, or a bit of it was lost: set up anew, and restore
  QUANTINFER_NULL = 36,
  QUANTINFER_STRUCTURE = 37,       // a size in a structure that no version has, or a newer one's
  QUANTINFER_OPTIONS = 38,         // an option out of range, or other leads than the image has
  QUANTINFER_NOT_BUILT = 39,       // an option that this library was built without
  QUANTINFER_BY_CLOCK_ALONE = 40,  // the network can't decide at every column, and so not at beats
  QUANTINFER_SAMPLE_RATE = 41,     // one at which no beats can be found
  QUANTINFER_NOT_YET = 42,         // a sample that has not come
  QUANTINFER_AT_BEATS_ALONE = 43,  // beats are the input: no clock, and no network to put to sleep
  // A saved state:
  QUANTINFER_SAVED_TRUNCATED = 48,
  QUANTINFER_NOT_A_SAVED_STATE = 49,
  QUANTINFER_SAVED_VERSION = 50,
  QUANTINFER_SAVED_OWNER = 51,  // another image's, or of other options
  QUANTINFER_SAVED_CHECKSUM = 52,
  QUANTINFER_SAVED_IMPOSSIBLE = 53,
  // A patch:
  QUANTINFER_NO_PATCH = 64,       // in neither slot one that is whole and fits
  QUANTINFER_PATCH_ANSWERS = 65,  // the patched layer doesn't give the answers that the patch was made with
  QUANTINFER_PATCH_IN_USE = 66,   // the buffer is that of the patch that runs
  // No error:
  QUANTINFER_DECIDED = 128,  // there was a decision
};

// ---- The image ----

// What an image is.
typedef struct quantinfer_info {
  uint32_t byte_count;              // to be set: sizeof(quantinfer_info)
  uint32_t checksum;                // names the image
  uint32_t lead_count;              // samples in a frame
  uint32_t sample_rate_millihertz;  // of the frames; 0 of an image without a front end
  float microvolts_per_count;       // of the samples
  uint32_t class_count;             // logits of a decision
  float logit_scale;                // a logit is logit_scale * (code - logit_zero_point)
  int32_t logit_zero_point;
  int32_t delay_samples;            // from a beat to its decision, as it was trained; -1 where the image doesn't say
  uint32_t class_names_byte_count;  // 0 where the image has none
  const char *class_names;          // in the image: UTF-8, a line a class, not ended by a zero
} quantinfer_info;

// Checks an image and tells what it is; the image lies at a multiple of 4.
quantinfer_status quantinfer_inspect(const void *image, size_t byte_count, quantinfer_info *info);
// What an image may take. UINT32_MAX is no limit.
typedef struct quantinfer_limits {
  uint32_t memory_byte_count;   // of state and scratch
  uint32_t operator_count;      // of the network
  uint32_t input_count;         // tensors that all operators read together
  uint32_t steps_per_decision;  // work from one sample to the next: products, codes moved, runs of them begun
} quantinfer_limits;

// Checks an image, and that it takes no more than some limits: QUANTINFER_BEYOND_LIMITS where it is sound and does.
quantinfer_status quantinfer_check(const void *image, size_t byte_count, const quantinfer_limits *limits);
// The maker's own verification: whether a signature is that of some content. `signature` points to 96 bytes, as the model
// format's documentation has them: at 16 the key's identifier, at 32 the 64 bytes that Ed25519 made of all of the content.
typedef bool (*quantinfer_verification)(
  const void *content, size_t content_byte_count, const void *signature, void *context);

// Asks `verification`, which gets `context`, about an image with its signature behind it, before anything of the image is read.
// Tells the bytes that were verified: give no more of them to what sets up.
quantinfer_status quantinfer_verify(
  const void *image, size_t byte_count, quantinfer_verification verification, void *context, size_t *content_byte_count);

// What a monitor, a pipeline or a run needs.
typedef struct quantinfer_needs {
  uint32_t byte_count;          // to be set: sizeof(quantinfer_needs)
  uint32_t memory_byte_count;   // in all: the record, the state and the scratch
  uint32_t state_byte_count;    // of it, what must outlive each call
  uint32_t scratch_byte_count;  // of it, what is free between calls
  uint32_t saved_byte_count;    // of a saved state; 0 of a run
  uint32_t logit_count;         // codes of a decision
  uint32_t patch_byte_count;    // a monitor's buffer for a patch; 0 where it can have none
} quantinfer_needs;

// The bytes in all where state and scratch are known: `exporter export --format c` writes them down.
#define QUANTINFER_MEMORY(record_words, state_byte_count, scratch_byte_count) \
  ((record_words) * sizeof(void *) + ((state_byte_count) + 7) / 8 * 8 + ((scratch_byte_count) + 7) / 8 * 8)
#define QUANTINFER_PIPELINE_MEMORY(state_byte_count, scratch_byte_count) QUANTINFER_MEMORY(16, state_byte_count, scratch_byte_count)
#define QUANTINFER_MONITOR_MEMORY(state_byte_count, scratch_byte_count) QUANTINFER_MEMORY(160, state_byte_count, scratch_byte_count)
#define QUANTINFER_RUN_MEMORY(arena_byte_count, scratch_byte_count) QUANTINFER_MEMORY(16, arena_byte_count, scratch_byte_count)

// ---- The monitor: the whole loop of a device ----

// What starts a decision.
enum {
  QUANTINFER_DETECTED_BEATS = 0,  // a beat that the library finds
  QUANTINFER_GIVEN_BEATS = 1,     // a beat that quantinfer_monitor_mark names
  QUANTINFER_CLOCK = 2,           // so many columns since the last decision
};

// How a monitor works. All zeros but the size are a decision without delay after each detected beat, announced as it comes, with
// any signal taken for good. `exporter export --format c` writes the options that the host's tools use with an image.
typedef struct quantinfer_options {
  uint32_t byte_count;                 // to be set: sizeof(quantinfer_options)
  uint32_t lead_count;                 // samples in a frame; 0 for as many as the image says
  int32_t pace;                        // QUANTINFER_DETECTED_BEATS and so on
  int32_t columns_per_decision;        // with QUANTINFER_CLOCK
  int32_t delay_samples;               // that a decision waits after its beat
  int32_t majority_count;              // raw decisions that vote, up to 31; 0 and 1 for none
  int32_t hysteresis_count;            // times in a row that a new class must win, up to 255; 0 and 1 for at once
  int32_t hysteresis_margin_codes;     // with which it wins at once; 0 for none
  int32_t minimum_margin_codes;        // below which there is no result; 0 for none
  int32_t lowest_count;                // the converter's ends
  int32_t highest_count;
  int32_t flat_counts;                 // a flat line keeps within these from peak to peak
  int32_t flat_samples;                // and lasts so long; 0 for no such watch
  int32_t saturated_samples;           // so many at the converter's ends are too many; 0 for no such watch
  int32_t saturation_span_samples;     // within so many
  int32_t refill_samples;              // good samples after which the signal is good again
  int32_t wake_percent;                // an interval further from the median wakes the network; 0 for one that never sleeps
  int32_t rhythm_class;                // whose logit moves with the beat's interval
  int32_t rhythm_codes_per_octave;     // by how much; 0 for not at all
  int32_t rhythm_neutral_log2_q16;     // an interval's part of the mean at which it stays, binary logarithm in Q16
  int32_t detector_lead;               // that the library finds beats in, counted from 0
  int32_t lost_lead;                   // 0: one bad lead of several means no result; 1: go on while another is good
} quantinfer_options;

// A running monitor; it lies at the beginning of the memory that quantinfer_monitor_init is given.
typedef struct quantinfer_monitor quantinfer_monitor;

// Checks an image and options, and tells what a monitor of them needs.
quantinfer_status quantinfer_monitor_inspect(
  const void *image, size_t byte_count, const quantinfer_options *options, quantinfer_needs *needs);

// Checks an image and sets up a monitor that has heard nothing yet. Image and memory must outlive it; the memory lies at a
// multiple of 8 and has `memory_byte_count` bytes at least. The options are copied.
quantinfer_status quantinfer_monitor_init(
  quantinfer_monitor **monitor, const void *image, size_t byte_count, const quantinfer_options *options, void *memory,
  size_t memory_byte_count);

// Each of the functions below first compares the checksum of the monitor's record, and where a bit of that was lost does nothing:
// QUANTINFER_NOT_SOUND, false or 0.

// Takes frames, in counts, of a sample of each lead: all, or up to the first with which decisions may be due. Tells how many it took, at
// least one of any. Then quantinfer_monitor_next, until it has none, and the rest of the frames. The same decisions come of any blocks.
quantinfer_status quantinfer_monitor_push(
  quantinfer_monitor *monitor, const int16_t *frames, size_t frame_count, size_t *taken_count);

// What a device says.
enum {
  QUANTINFER_RESULT = 0,     // a class
  QUANTINFER_NO_RESULT = 1,  // nothing can be said: the fail-safe state; `reason` says why
  QUANTINFER_ASLEEP = 2,     // nothing was asked of the network; the last result stands
};

// Why there is no result.
enum {
  QUANTINFER_WINDOW_NOT_FULL = 1,  // fewer samples than a window has, after a start, a reset or a gap
  QUANTINFER_FLAT_LINE = 2,        // a lead is off
  QUANTINFER_SATURATION = 3,       // the samples stand at the converter's ends
  QUANTINFER_REFILLING = 4,        // the signal is good again, but the window still reaches into what was bad
  QUANTINFER_UNSOUND_STATE = 5,    // the state has lost bits
  QUANTINFER_LOW_MARGIN = 6,
};

// A decision that was due. Frames are numbered from 0 on, and the numbers wrap after 2^32.
typedef struct quantinfer_decision {
  uint32_t byte_count;          // to be set: sizeof(quantinfer_decision)
  uint32_t sample_number;       // of the newest frame
  uint32_t beat_sample_number;  // of the beat that it is about
  int32_t is_about_beat;        // 0 where the clock struck
  int32_t announcement;         // QUANTINFER_RESULT and so on
  int32_t class_index;          // the result's; -1 without one
  int32_t margin_codes;         // by how much the result's logit exceeds the greatest other one
  int32_t reason;               // 0 with a result and asleep
  int32_t has_logits;           // 1 where the network decided: the logits were written
  uint32_t burst_columns;       // computed for the decisions since the newest frame: of a network that was woken, up to a window's
} quantinfer_decision;

// Makes the next decision that is due: QUANTINFER_DECIDED, or QUANTINFER_OK where none is. Receives `logit_count` codes where the
// network decided; QUANTINFER_MEMORY_TOO_SMALL where there is no room for them.
quantinfer_status quantinfer_monitor_next(
  quantinfer_monitor *monitor, quantinfer_decision *decision, int8_t *logits, size_t logit_count);

// What the caller can name in time.
enum {
  QUANTINFER_MARK_BEAT = 1,  // a beat, with QUANTINFER_GIVEN_BEATS: a sense amplifier's
};

// Names a beat by its frame's number, in order of time, before its delay is over. QUANTINFER_NOT_YET for a frame that was not
// pushed so far; QUANTINFER_OPTIONS where the monitor takes no such mark. Up to 32 beats wait for their decision; a further one
// makes the oldest give way.
quantinfer_status quantinfer_monitor_mark(quantinfer_monitor *monitor, int32_t mark, uint32_t sample_number);

// Lets time pass of which there are no frames: their numbers go on, and all else begins anew, as the window has a hole.
quantinfer_status quantinfer_monitor_skip(quantinfer_monitor *monitor, uint32_t frame_count);

// How a monitor is.
typedef struct quantinfer_report {
  uint32_t byte_count;            // to be set: sizeof(quantinfer_report)
  uint32_t sample_number;         // of the next frame: all that came or were skipped
  int32_t reason;                 // why there is no result at present; 0 where there is one
  uint32_t pending_beat_count;    // waiting for their decision
  uint32_t dropped_beat_count;    // that got none, because of newer ones or of a gap
  int32_t is_patched;           // 1 where it runs with a patch
} quantinfer_report;

quantinfer_status quantinfer_monitor_report(const quantinfer_monitor *monitor, quantinfer_report *report);

// Forgets all frames, beats and decisions; numbers begin from 0 again.
quantinfer_status quantinfer_monitor_reset(quantinfer_monitor *monitor);

// See quantinfer_pipeline_is_sound and what follows it: of the whole monitor, and not in an interrupt.
bool quantinfer_monitor_is_sound(const quantinfer_monitor *monitor);
uint32_t quantinfer_monitor_state_checksum(const quantinfer_monitor *monitor);
quantinfer_status quantinfer_monitor_save(const quantinfer_monitor *monitor, void *copy, size_t byte_count);
quantinfer_status quantinfer_monitor_restore(quantinfer_monitor *monitor, const void *copy, size_t byte_count);

// Whether the digest (32 bytes) is SHA-256 of the salt (16 bytes) and this device's identifier: the maker's function.
typedef bool (*quantinfer_is_this_device)(const void *salt, const void *digest, void *context);

// Where patches are, and what is known of them.
typedef struct quantinfer_patch_slots {
  uint32_t byte_count;        // to be set: sizeof(quantinfer_patch_slots)
  uint32_t floor;             // the lowest sequence number that is taken
  const void *slots[2];       // the two that a device keeps; NULL for none
  size_t slot_byte_counts[2];
  quantinfer_is_this_device is_this_device;  // NULL: no patch is taken that names a device
  void *context;
} quantinfer_patch_slots;

// Goes on with the newest patch that is whole, fits, and gives the answers that it was made with: without forgetting anything. The
// buffer lies at a multiple of 4, has `patch_byte_count` bytes, and must outlive the patch; a monitor that goes on with another one
// takes another buffer. Where it fails, all is as it was.
quantinfer_status quantinfer_monitor_apply_newest(
  quantinfer_monitor *monitor, const quantinfer_patch_slots *slots, void *buffer, size_t byte_count, uint32_t *sequence_number);

// Goes on with the image as shipped.
quantinfer_status quantinfer_monitor_remove_patch(quantinfer_monitor *monitor);

// ---- Frames from an interrupt, work in the main loop ----

// The frames that wait between quantinfer_monitor_feed and quantinfer_monitor_work. Its fields are the library's.
typedef struct quantinfer_queue {
  int16_t *frames;
  uint32_t capacity;  // in frames: a power of two
  uint32_t lead_count;
  uint32_t check;
  volatile uint32_t begun, written;  // feed's: frames that came, before and after they are copied
  volatile uint32_t read, unread;    // work's: frames that it took, and the complement
} quantinfer_queue;

// Sets up an empty queue over the caller's memory for so many frames of 1 to 4 leads, a power of two from 8 on: the time to be late.
quantinfer_status quantinfer_queue_init(quantinfer_queue *queue, int16_t *frames, size_t frame_capacity, uint32_t lead_count);

// Takes frames in an interrupt, or a block of them at the end of a DMA transfer: copies and counts them, and nothing else. One
// producer calls it, and never waits. At most 60 instructions on a Cortex-M4 for a frame, and 12 for each further one of a block.
void quantinfer_monitor_feed(quantinfer_queue *queue, const int16_t *frames, size_t frame_count);

// What a call of quantinfer_monitor_work did.
typedef struct quantinfer_progress {
  uint32_t byte_count;     // to be set: sizeof(quantinfer_progress)
  uint32_t frame_count;    // that the monitor took
  uint32_t lost_count;     // that were overwritten before it came, and that it skipped: their numbers are gone by
  uint32_t waiting_count;  // that are still there
} quantinfer_progress;

// Hands waiting frames to the monitor, in the main loop or a task, up to the first with which decisions may be due or 32 samples;
// then quantinfer_monitor_next, until it has none, and again while `frame_count` or `lost_count` is not 0. No frame is lost while
// it comes before the queue is full. Where it came later, the queue's older half and what was overwritten are a gap: see
// quantinfer_monitor_skip. Any interrupt may interrupt it; docs/guides/Firmware.md has what a call takes at most, and one of next.
quantinfer_status quantinfer_monitor_work(
  quantinfer_monitor *monitor, quantinfer_queue *queue, quantinfer_progress *progress);

// ---- The pipeline: front end and network alone ----

// A running model; it lies at the beginning of the memory that quantinfer_pipeline_init is given.
typedef struct quantinfer_pipeline quantinfer_pipeline;

// Checks an image and tells what a pipeline of it needs.
quantinfer_status quantinfer_pipeline_inspect(const void *image, size_t byte_count, quantinfer_needs *needs);

// Checks an image and sets up a pipeline that has heard nothing yet. Image and memory must outlive it; the memory lies at a
// multiple of 8 and has `memory_byte_count` bytes at least.
quantinfer_status quantinfer_pipeline_init(
  quantinfer_pipeline **pipeline, const void *image, size_t byte_count, void *memory, size_t memory_byte_count);

// Each function below first compares the checksum of the pipeline's record; where a bit was lost: false, -1, 0 or QUANTINFER_NOT_SOUND.

// Takes a sample of an image of one lead, or a frame of any: a sample of each lead, in counts. Returns whether a new window is full,
// so that quantinfer_pipeline_decide has something to decide on: until the next sample.
bool quantinfer_pipeline_push(quantinfer_pipeline *pipeline, int16_t sample);
bool quantinfer_pipeline_push_frame(quantinfer_pipeline *pipeline, const int16_t *frame);

// Decides on the newest window: the index of the class with the greatest logit, the first one of equals, and all logits as
// codes. -1 where there is no full window or no room for the logits.
int32_t quantinfer_pipeline_decide(quantinfer_pipeline *pipeline, int8_t *logits, size_t count);

// Forgets all samples.
void quantinfer_pipeline_reset(quantinfer_pipeline *pipeline);

// Whether it can be gone on with: false where memory lost a bit of its record, or bits of the state whose effect would last. Ask now
// and then, where memory may lose bits; then set it up anew, and restore. Other lost bits change a decision at most as long as they
// are among the samples and columns that it looks at. Whatever is lost of the state, and asked or not, nothing leads out of the memory.
bool quantinfer_pipeline_is_sound(const quantinfer_pipeline *pipeline);

// A checksum of the state: after a sample and before the next one it finds every lost bit, at six instructions a word on a Cortex-M4.
uint32_t quantinfer_pipeline_state_checksum(const quantinfer_pipeline *pipeline);

// Saves all that changes from sample to sample as `saved_byte_count` bytes with a checksum, at any alignment.
quantinfer_status quantinfer_pipeline_save(const quantinfer_pipeline *pipeline, void *copy, size_t byte_count);

// Goes on from a saved state of the same model, with the decisions as if nothing had happened. Where it fails, all is as it was.
quantinfer_status quantinfer_pipeline_restore(quantinfer_pipeline *pipeline, const void *copy, size_t byte_count);

// ---- A run over a whole window ----

// A network over whole windows; it lies at the beginning of the memory that quantinfer_run_init is given.
typedef struct quantinfer_run quantinfer_run;

// Checks an image and tells what a run of it needs: state_byte_count is the arena's.
quantinfer_status quantinfer_run_inspect(const void *image, size_t byte_count, quantinfer_needs *needs);

// Checks an image and sets up a run of it, as quantinfer_pipeline_init; what the network keeps from run to run is at its start.
quantinfer_status quantinfer_run_init(
  quantinfer_run **run, const void *image, size_t byte_count, void *memory, size_t memory_byte_count);
// An input or an output.
typedef struct quantinfer_tensor {
  uint32_t byte_count;       // to be set: sizeof(quantinfer_tensor)
  uint32_t code_byte_count;  // of a code: 1 or 2
  uint32_t count;            // codes
  float scale;               // a value is scale * (code - zero_point)
  int32_t zero_point;
  void *codes;               // in the run's memory
} quantinfer_tensor;

// An input, to be filled before each run; or an output, valid until the next run. QUANTINFER_OPTIONS where there is no such one.
quantinfer_status quantinfer_run_input(const quantinfer_run *run, size_t index, quantinfer_tensor *tensor);
quantinfer_status quantinfer_run_output(const quantinfer_run *run, size_t index, quantinfer_tensor *tensor);

// Runs all operators; forgets what the network keeps from run to run.
quantinfer_status quantinfer_run_window(quantinfer_run *run);
quantinfer_status quantinfer_run_reset(quantinfer_run *run);

#ifdef __cplusplus
}
#endif
