#include "Payload.h"

// model.c, which `make firmware` writes.
extern const uint8_t model[];
extern const size_t model_byte_count;
extern const int16_t model_samples[];
extern const size_t model_sample_count;
extern const int32_t model_monitor[];
// Where there is no patch, these are not there.
__attribute__((weak)) extern const uint8_t model_patch[];
__attribute__((weak)) extern const size_t model_patch_byte_count;

const uint8_t *payload_model(void) { return model; }
size_t payload_model_byte_count(void) { return model_byte_count; }
const int16_t *payload_samples(void) { return model_samples; }
size_t payload_sample_count(void) { return model_sample_count; }
const int32_t *payload_monitor(void) { return model_monitor; }
const uint8_t *payload_patch(void) { return model_patch; }
size_t payload_patch_byte_count(void) { return &model_patch_byte_count == 0 ? 0 : model_patch_byte_count; }
