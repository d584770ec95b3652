// Frames from an interrupt, and a main loop that comes late: by less than the queue's time nothing is lost, by more it is told how
// much, and the frames' numbers go on.
//
// The timer's interrupt hands over a frame every tick, as a converter would; the main loop sleeps until so many wait.
#include "Board.h"
#include "quantinfer.h"
#include "model.h"

enum {
  queueFrames = 64,
  tickCycles = 2000,     // from one frame to the next: more than a column's work takes
  inTimeFrames = 2000,
  lateFrames = 1000,
  greatestClassCount = 16,
};

// ARMv7-M and ARMv6-M, B3.3: SysTick.
#define CONTROL (*(volatile uint32_t *)0xE000E010)
#define RELOAD (*(volatile uint32_t *)0xE000E014)
#define VALUE (*(volatile uint32_t *)0xE000E018)

static _Alignas(8) uint8_t memory[model_monitor_byte_count];
static int16_t ring[queueFrames];
static quantinfer_queue queue;
static volatile uint32_t fedCount, endCount;

// The interrupt: it copies a frame, and nothing else.
void board_ticked(void) {
  if (fedCount == endCount) return;
  const int16_t frame = model_samples[fedCount % model_sample_count];
  quantinfer_monitor_feed(&queue, &frame, 1);
  fedCount += 1;
}

typedef struct {
  uint32_t taken, lost, decisions, checksum;
} tally;

static void put(const char *text) {
  while (*text != 0) board_put((uint8_t)*text++);
}

static void putNumber(uint32_t number) {
  if (number > 9) putNumber(number / 10);
  board_put((uint8_t)('0' + number % 10));
}

static void decide(quantinfer_monitor *monitor, tally *found) {
  int8_t logits[greatestClassCount];
  quantinfer_decision decision;
  decision.byte_count = sizeof decision;
  while (quantinfer_monitor_next(monitor, &decision, logits, sizeof logits) == QUANTINFER_DECIDED) {
    const uint32_t words[] = {decision.sample_number, decision.beat_sample_number, (uint32_t)decision.announcement,
                              (uint32_t)decision.class_index, (uint32_t)decision.margin_codes};
    for (size_t index = 0; index < sizeof words / sizeof words[0]; index += 1) {
      found->checksum = (found->checksum << 5 | found->checksum >> 27) * 0x9E3779B1u ^ words[index];
    }
    found->decisions += 1;
  }
}

// Lets `count` frames come, and works each time that so many wait; whether nothing went wrong.
static bool run(quantinfer_monitor *monitor, uint32_t count, uint32_t lateness, tally *found) {
  uint32_t worked = fedCount;
  endCount = fedCount + count;
  while (worked != endCount) {
    while (fedCount - worked < lateness && fedCount != endCount) __asm__ volatile("wfi");
    worked = fedCount;
    quantinfer_progress progress;
    progress.byte_count = sizeof progress;
    do {
      if (quantinfer_monitor_work(monitor, &queue, &progress) != QUANTINFER_OK) return false;
      found->taken += progress.frame_count;
      found->lost += progress.lost_count;
      decide(monitor, found);
    } while (progress.frame_count > 0 || progress.lost_count > 0);
  }
  return true;
}

static bool begin(quantinfer_monitor **monitor) {
  quantinfer_options options;
  model_set_options(&options);
  return quantinfer_monitor_init(monitor, model, model_byte_count, &options, memory, sizeof memory) == QUANTINFER_OK;
}

static uint32_t number(const quantinfer_monitor *monitor) {
  quantinfer_report report;
  report.byte_count = sizeof report;
  return quantinfer_monitor_report(monitor, &report) == QUANTINFER_OK ? report.sample_number : 0;
}

int main(int argc, char **argv) {
  (void)argc, (void)argv;
  quantinfer_monitor *monitor;
  // The same frames without a queue.
  tally pushed = {0, 0, 0, 0};
  if (!begin(&monitor)) return 1;
  for (uint32_t place = 0; place < inTimeFrames; place += 1) {
    size_t taken;
    if (quantinfer_monitor_push(monitor, &model_samples[place % model_sample_count], 1, &taken) != QUANTINFER_OK) return 1;
    decide(monitor, &pushed);
  }
  if (!begin(&monitor) || quantinfer_queue_init(&queue, ring, queueFrames, 1) != QUANTINFER_OK) return 1;
  RELOAD = tickCycles - 1;
  VALUE = 0;
  CONTROL = 7;
  tally inTime = {0, 0, 0, 0}, late = {0, 0, 0, 0};
  // Late by less than the 64 frames: 48, and what comes while the first of them are worked on.
  if (!run(monitor, inTimeFrames, 48, &inTime)) return 2;
  const uint32_t before = number(monitor);
  if (!run(monitor, lateFrames, 100, &late)) return 3;
  CONTROL = 0;
  put("in time: ");
  putNumber(inTime.taken);
  put(" frames, ");
  putNumber(inTime.lost);
  put(" lost, ");
  putNumber(inTime.decisions);
  put(" decisions; late: ");
  putNumber(late.taken);
  put(" frames, ");
  putNumber(late.lost);
  put(" lost and told\n");
  if (inTime.lost != 0 || inTime.taken != inTimeFrames || before != inTimeFrames) return 4;
  if (inTime.decisions != pushed.decisions || inTime.checksum != pushed.checksum || pushed.decisions == 0) return 5;
  if (late.lost == 0 || late.taken == 0 || late.taken + late.lost != lateFrames) return 6;
  return number(monitor) == inTimeFrames + lateFrames ? 0 : 7;
}
