// QuantInfer for firmware in C: a sample in, a decision out.
//
//   extern const uint8_t beats[];
//   extern const size_t beats_byte_count;
//   static _Alignas(16) uint8_t memory[beats_memory_byte_count];
//
//   quantinfer_device *device;
//   if (quantinfer_init(&device, beats, beats_byte_count, memory, sizeof memory) != QUANTINFER_OK) fail();
//   for (;;) {
//     if (!quantinfer_push(device, next_sample())) continue;
//     int8_t logits[4];
//     int32_t class = quantinfer_decide(device, logits, 4);
//   }
//
// Nothing here allocates, waits, or keeps state outside the memory that it is given. A device may be used by one caller
// at a time; two devices are independent of each other.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__clang__)
#pragma clang assume_nonnull begin
#define QUANTINFER_NULLABLE _Nullable
#else
#define QUANTINFER_NULLABLE
#endif

// The bytes of a device in all, where state and scratch are known: `exporter inspect` tells them, and `exporter export`
// writes them down. The first part is the device's own record.
#define QUANTINFER_MEMORY(state_byte_count, scratch_byte_count) \
  (16 * sizeof(void *) + ((state_byte_count) + 7) / 8 * 8 + ((scratch_byte_count) + 7) / 8 * 8)

// What functions return. The image's errors have the numbers that the host's tools have for them.
typedef enum quantinfer_status {
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
  QUANTINFER_NOT_AUTHENTIC = 24,  // no signature, or one that the maker's function refused
  // The memory:
  QUANTINFER_MEMORY_TOO_SMALL = 32,
  QUANTINFER_MEMORY_MISALIGNED = 33,
  QUANTINFER_NOT_STREAMABLE = 34,  // no front end, or a network that needs the whole window at once
  QUANTINFER_NOT_SOUND = 35,  // a bit of the device's record was lost: quantinfer_init, then quantinfer_restore
  // A saved state:
  QUANTINFER_SAVED_TRUNCATED = 48,
  QUANTINFER_NOT_A_SAVED_STATE = 49,
  QUANTINFER_SAVED_VERSION = 50,
  QUANTINFER_SAVED_OWNER = 51,  // another model's
  QUANTINFER_SAVED_CHECKSUM = 52,
  QUANTINFER_SAVED_IMPOSSIBLE = 53,
} quantinfer_status;

// What an image needs and gives.
typedef struct quantinfer_info {
  uint32_t memory_byte_count;       // for quantinfer_init: the state, the scratch and the device itself
  uint32_t state_byte_count;        // of it, what must outlive each call
  uint32_t scratch_byte_count;      // of it, what is free between calls
  uint32_t saved_byte_count;        // for quantinfer_save
  uint32_t sample_rate_millihertz;  // of the samples
  float microvolts_per_count;       // of the samples
  uint32_t class_count;             // logits of a decision
  float logit_scale;                // a logit is logit_scale * (code - logit_zero_point)
  int32_t logit_zero_point;
  uint32_t checksum;                // names the image
} quantinfer_info;

// A running model; it lies at the beginning of the memory that quantinfer_init is given.
typedef struct quantinfer_device quantinfer_device;

// Checks an image and tells its needs; the image lies at a multiple of 4.
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

// Checks an image and sets up a device that has heard nothing yet. Image and memory must outlive it; the memory lies at a
// multiple of 8 and has `memory_byte_count` bytes at least.
quantinfer_status quantinfer_init(
  quantinfer_device *QUANTINFER_NULLABLE *QUANTINFER_NULLABLE device, const void *image, size_t byte_count, void *memory,
  size_t memory_byte_count);

// The maker's own verification: whether a signature is that of some content. `signature` points to 96 bytes, as the model
// format's documentation has them: at 16 the key's identifier, at 32 the 64 bytes that Ed25519 made of all of the content.
typedef bool (*quantinfer_verify)(
  const void *content, size_t content_byte_count, const void *signature, void *QUANTINFER_NULLABLE context);

// As quantinfer_init, of an image with its signature behind it: first asks `verify`, which gets `context`. Nothing of the
// image is read where it says no.
quantinfer_status quantinfer_init_verified(
  quantinfer_device *QUANTINFER_NULLABLE *QUANTINFER_NULLABLE device, const void *image, size_t byte_count, void *memory,
  size_t memory_byte_count, quantinfer_verify verify, void *QUANTINFER_NULLABLE context);

// Each of the functions below first compares the checksum of the device's record, and where a bit of that was lost does
// nothing: false, -1, 0 or QUANTINFER_NOT_SOUND.

// Takes a sample, in counts. Returns whether a new window is full, so that quantinfer_decide has something to decide on:
// until the next call of this function.
bool quantinfer_push(quantinfer_device *device, int16_t sample);

// Decides on the newest window: the index of the class with the greatest logit, the first one of equals, and all logits as
// codes. -1 where there is no full window or no room for the logits.
int32_t quantinfer_decide(quantinfer_device *device, int8_t *logits, size_t count);

// Forgets all samples.
void quantinfer_reset(quantinfer_device *device);

// Whether the device can be gone on with: false where memory lost a bit of its record, or bits of the state whose effect
// would last. Ask now and then, where memory may lose bits; then set it up anew with quantinfer_init, and restore. Other
// lost bits change a decision at most as long as they are among the samples and columns that it looks at. Whatever is lost
// of the state, and asked or not, nothing leads out of the memory.
bool quantinfer_is_sound(const quantinfer_device *device);

// A checksum of the state. Taken after a sample and compared before the next one it finds every lost bit, at six
// instructions a word on a Cortex-M4: then go on as above.
uint32_t quantinfer_state_checksum(const quantinfer_device *device);

// Saves all that changes from sample to sample as `saved_byte_count` bytes with a checksum, at any alignment.
quantinfer_status quantinfer_save(const quantinfer_device *device, void *copy, size_t byte_count);

// Goes on from a saved state of the same model, with the same decisions as if nothing had happened. Where it fails, the
// device is as it was.
quantinfer_status quantinfer_restore(quantinfer_device *device, const void *copy, size_t byte_count);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif

#ifdef __cplusplus
}
#endif
