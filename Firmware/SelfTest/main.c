// The self-test that `exporter export --format c --record` writes, on a board: its texts go out by the board's console.
#include "Board.h"

static void put(const char *text) {
  while (*text != 0) board_put((uint8_t)*text++);
}

#define SELF_TEST_PUT put
#include "model_test.c"
