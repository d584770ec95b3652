// Counts heap allocations of the calling thread, so that a test can show that a loop makes none.
#pragma once
#include <stdbool.h>

// Whether counting works on this platform (it needs glibc, and no sanitizer that counts itself).
bool allocationCounterIsAvailable(void);

// The allocations that this thread has made so far.
unsigned long allocationCount(void);
