// The queue between an interrupt and the main loop: one producer, one consumer, no lock, no exclusive access.
//
// Frames are counted on and on. The producer never waits: where the consumer comes too late, the oldest frames are written over,
// and the consumer knows how many by the counts. A frame's place is its count modulo the capacity. The producer counts a block as
// begun before it copies it and as written afterwards, so that the consumer also knows of a block that is on its way.
#include "quantinfer.h"
#include "quantinfer_parts.h"

// Of aligned numbers of 32 bits, each with one writer; a fence is one instruction, where the core has any.
#define FENCE(order) __atomic_thread_fence(order)

enum { shortest = 8, longest = 1 << 20, most_leads = 4, mark = 0x51495155 };  // QIQU

// What the check of a queue of several leads differs by, so that one of one lead pays nothing for them.
enum { several = 0x5EED };

// One lost bit of what it is made of changes it.
static uint32_t check(const quantinfer_queue *queue) {
  const uint64_t place = (uintptr_t)queue->frames;
  return (uint32_t)place ^ (uint32_t)(place >> 32) ^ queue->capacity ^ queue->lead_count ^ mark;
}

quantinfer_status quantinfer_queue_init(
  quantinfer_queue *queue, int16_t *frames, size_t frame_capacity, uint32_t lead_count) {
  if (queue == NULL || frames == NULL) return QUANTINFER_NULL;
  if ((uintptr_t)queue % sizeof(void *) != 0 || (uintptr_t)frames % 2 != 0) return QUANTINFER_MEMORY_MISALIGNED;
  const bool is_power = (frame_capacity & (frame_capacity - 1)) == 0;
  if (!is_power || frame_capacity < shortest || frame_capacity > longest || lead_count > most_leads) return QUANTINFER_OPTIONS;
  queue->frames = frames;
  queue->capacity = (uint32_t)frame_capacity;
  queue->lead_count = lead_count == 0 ? 1 : lead_count;
  queue->begun = queue->written = queue->read = 0;
  queue->unread = ~0u;
  queue->check = check(queue) ^ (lead_count > 1 ? several : 0);
  return QUANTINFER_OK;
}

// Frames of several leads, of a queue that was checked.
static void feed_leads(quantinfer_queue *queue, const int16_t *frames, size_t frame_count) {
  uint32_t place = queue->written;
  const uint32_t end = place + (uint32_t)frame_count, mask = queue->capacity - 1, leads = queue->lead_count;
  if (queue->begun != place) {
    queue->check = ~queue->check;
    return;
  }
  queue->begun = end;
  FENCE(__ATOMIC_RELEASE);
  for (; place != end; place += 1) {
    int16_t *to = queue->frames + (place & mask) * leads;
    for (uint32_t lead = 0; lead < leads; lead += 1) *to++ = *frames++;
  }
  FENCE(__ATOMIC_RELEASE);
  queue->written = end;
}

void quantinfer_monitor_feed(quantinfer_queue *queue, const int16_t *frames, size_t frame_count) {
  // The pointer is followed in an interrupt: neither it nor a count may have lost a bit. Work finds the same.
  if (queue == NULL || frames == NULL) return;
  const uint32_t right = check(queue);
  if (queue->check != right) {
    if (queue->check == (right ^ several)) feed_leads(queue, frames, frame_count);
    return;
  }
  uint32_t place = queue->written;
  const uint32_t end = place + (uint32_t)frame_count, mask = queue->capacity - 1;
  if (queue->begun != place) {
    queue->check = ~check(queue);
    return;
  }
  queue->begun = end;
  FENCE(__ATOMIC_RELEASE);
  int16_t *const ring = queue->frames;
  while (place != end) ring[place++ & mask] = *frames++;
  FENCE(__ATOMIC_RELEASE);
  queue->written = end;
}

int32_t quantinfer_queue_peek(quantinfer_queue *queue, int16_t *block, uint32_t greatest, uint32_t *lost) {
  *lost = 0;
  const uint32_t first = queue->read, written = queue->written;
  const uint32_t leads = queue->lead_count;
  if (queue->check != (check(queue) ^ (leads > 1 ? several : 0)) || queue->unread != ~first) return -1;
  FENCE(__ATOMIC_ACQUIRE);
  const uint32_t waiting = written - first, capacity = queue->capacity;
  const uint32_t count = waiting < greatest ? waiting : greatest;
  for (uint32_t index = 0; index < count; index += 1) {
    const int16_t *frame = queue->frames + ((first + index) & (capacity - 1)) * leads;
    for (uint32_t lead = 0; lead < leads; lead += 1) *block++ = *frame++;
  }
  FENCE(__ATOMIC_ACQUIRE);
  // What was written over meanwhile doesn't count. The newer half is kept: time to come back to it.
  const uint32_t begun = queue->begun;
  if (begun - first > capacity) *lost = begun - first - capacity / 2;
  return (int32_t)count;
}

void quantinfer_queue_pass(quantinfer_queue *queue, uint32_t count) {
  const uint32_t read = queue->read + count;
  queue->read = read;
  queue->unread = ~read;
}

uint32_t quantinfer_queue_waiting(const quantinfer_queue *queue) { return queue->written - queue->read; }
