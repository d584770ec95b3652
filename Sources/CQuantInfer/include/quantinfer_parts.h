// What the library's functions are made of beside the runtime; programs have no use for it.
//
// In C, so that there is one copy of each: a function that two Swift modules share is in the objects of both, and a linker that takes
// the wrong one takes all that lies beside it.
#pragma once
#include "quantinfer.h"

#ifdef __cplusplus
extern "C" {
#endif

// Whether a pointer is to a record whose checksum, behind `byte_count` bytes at a multiple of 4, is right.
bool quantinfer_record_is_whole(const void *record, size_t byte_count);

// Writes a record's checksum.
void quantinfer_record_seal(void *record, size_t byte_count);

// Writes into a caller's structure what its version has of a value, and 0 into what the value hasn't; its size stays.
quantinfer_status quantinfer_structure_write(void *structure, const void *value, size_t byte_count);

// Reads a caller's structure over a value of zeros. QUANTINFER_STRUCTURE where it says something that the value has no place for.
quantinfer_status quantinfer_structure_read(const void *structure, void *value, size_t byte_count);

// The consumer's side of a queue. Copies the oldest frames, `greatest` at most, without taking them; how many, or -1 where the queue
// lost a bit. Where frames were written over, `lost` is how many are to be passed by, and what was copied means nothing.
int32_t quantinfer_queue_peek(quantinfer_queue *queue, int16_t *block, uint32_t greatest, uint32_t *lost);

// Takes frames out.
void quantinfer_queue_pass(quantinfer_queue *queue, uint32_t count);

// The frames that are there.
uint32_t quantinfer_queue_waiting(const quantinfer_queue *queue);

#ifdef __cplusplus
}
#endif
