// What the firmware carries in flash: a model image, and samples of an ECG as the model's front end takes them.
#pragma once
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

const uint8_t *payload_model(void);
size_t payload_model_byte_count(void);

const int16_t *payload_samples(void);
// 0 where the model has no front end.
size_t payload_sample_count(void);

// The figures of the monitor that `device-sim stream` runs, in the order of the payload's comments.
const int32_t *payload_monitor(void);

// A patch of the model.
const uint8_t *payload_patch(void);
// 0 where there is none.
size_t payload_patch_byte_count(void);

#pragma clang assume_nonnull end
