// Forged images on the board: the carried one with a few numbers changed at random and its checksum made right again. Each is
// refused, or runs in the memory that it asks for. A trap or a fault ends the run with another status than 0, after the number
// of the image that it came with.
//
// SEED and COUNT are the build's: the same seed forges the same images on every board.
#include "Board.h"
#include "quantinfer.h"
#include "model.h"

#ifndef SEED
#define SEED 1
#endif
#ifndef COUNT
#define COUNT 1000
#endif

enum {
  fenceByteCount = 32,
  greatestMemoryByteCount = 16384,
  checksumPlace = 12,   // of the image's header: see the model format's documentation
  sampleCount = 420,    // the shipped window is full
  greatestSteps = 100000,
  greatestClassCount = 64,
};

static _Alignas(16) uint8_t image[sizeof model];
static _Alignas(16) uint8_t memory[greatestMemoryByteCount + fenceByteCount];

static void put(const char *text) {
  while (*text != 0) board_put((uint8_t)*text++);
}

static void putNumber(uint32_t number) {
  if (number > 9) putNumber(number / 10);
  board_put((uint8_t)('0' + number % 10));
}

static uint32_t state = SEED;

static uint32_t next(void) {
  state = state * 1664525u + 1013904223u;
  const uint32_t mixed = (state ^ (state >> 15)) * 0x2c1b3c6du;
  return mixed ^ (mixed >> 13);
}

static uint32_t extended(uint32_t crc, const uint8_t *bytes, size_t count) {
  static const uint32_t nibbles[16] = {
    0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
    0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
  for (size_t index = 0; index < count; index += 1) {
    crc ^= bytes[index];
    crc = (crc >> 4) ^ nibbles[crc & 15];
    crc = (crc >> 4) ^ nibbles[crc & 15];
  }
  return crc;
}

static void store(size_t place, uint32_t word, size_t byteCount) {
  for (size_t index = 0; index < byteCount; index += 1) image[place + index] = (uint8_t)(word >> 8 * index);
}

// Changes up to four numbers of 8, 16 or 32 bits, most of them in the records, which the exporter puts in front and behind.
static void mutate(void) {
  for (uint32_t change = 1 + next() % 4; change > 0; change -= 1) {
    static const uint32_t odd[] = {0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7ffffff0, 0x7fffffff, 0x80000000,
                                   0xfffffff0, 0xffffffff, 0x10000000, 0x0fffffff, 0x40000000, 0x3ffffffc};
    const size_t width = (size_t)1 << next() % 3;
    const uint32_t kind = next() % 4;
    size_t place = next() % sizeof image;
    if (kind < 3) place = next() % (sizeof image < 1200 ? sizeof image : 1200);
    place &= ~(width - 1);
    if (place + width > sizeof image) continue;
    uint32_t word = next();
    if (kind != 1) word = odd[next() % (sizeof odd / sizeof odd[0])];
    if (kind == 2) word = image[place] + 1u - 2u * (next() & 1);
    store(place, word, width);
  }
  uint32_t crc = extended(~0u, image, checksumPlace);
  crc = ~extended(crc, image + checksumPlace + 4, sizeof image - checksumPlace - 4);
  store(checksumPlace, crc, 4);
}

// Runs what is in the memory that it asks for; 0 where it is refused, 1 where it ran, 2 where it wrote behind its memory.
static int run(void) {
  quantinfer_needs needs;
  needs.byte_count = sizeof needs;
  const quantinfer_limits limits = {greatestMemoryByteCount, UINT32_MAX, UINT32_MAX, greatestSteps};
  if (quantinfer_pipeline_inspect(image, sizeof image, &needs) != QUANTINFER_OK) return 0;
  if (quantinfer_check(image, sizeof image, &limits) != QUANTINFER_OK) return 0;
  if (needs.memory_byte_count > greatestMemoryByteCount || needs.logit_count > greatestClassCount) return 0;
  for (size_t place = 0; place < fenceByteCount; place += 1) memory[needs.memory_byte_count + place] = 0xA5;
  quantinfer_pipeline *pipeline;
  if (quantinfer_pipeline_init(&pipeline, image, sizeof image, memory, needs.memory_byte_count) != QUANTINFER_OK) return 0;
  for (size_t sample = 0; sample < sampleCount; sample += 1) {
    if (!quantinfer_pipeline_push(pipeline, model_samples[sample % 256 * 7 % 1024])) continue;
    int8_t logits[greatestClassCount];
    (void)quantinfer_pipeline_decide(pipeline, logits, greatestClassCount);
  }
  for (size_t place = 0; place < fenceByteCount; place += 1) {
    if (memory[needs.memory_byte_count + place] != 0xA5) return 2;
  }
  return 1;
}

int main(int argc, char **argv) {
  (void)argc, (void)argv;
  uint32_t ran = 0, refused = 0;
  for (uint32_t number = 0; number < COUNT; number += 1) {
    for (size_t place = 0; place < sizeof image; place += 1) image[place] = model[place];
    mutate();
    if (number % 100 == 0) {
      put("image ");
      putNumber(number);
      put("\n");
    }
    const int result = run();
    if (result == 2) {
      put("wrote behind its memory: image ");
      putNumber(number);
      put("\n");
      return 1;
    }
    if (result == 1) ran += 1;
    else refused += 1;
  }
  putNumber(COUNT);
  put(" forged images: ");
  putNumber(refused);
  put(" refused, ");
  putNumber(ran);
  put(" ran\n");
  return ran > 0 && refused > 0 ? 0 : 1;
}
