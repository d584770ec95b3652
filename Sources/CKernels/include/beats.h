// What a beat is beside the patient's usual one.
#pragma once

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

// How far from a sensed beat its peak lies: the sample furthest from the mean of eight from 16 before it to 12 behind, the first of
// equal ones; `reach` samples before and behind it are looked at.
ptrdiff_t qi_peak(const int16_t *sensed, ptrdiff_t reach);

// Points, each the sum of so many pairs of neighbouring samples, shifted to the right; returns the sum of the points.
int32_t qi_sums(const int16_t *samples, ptrdiff_t count, ptrdiff_t pairs, int32_t halving, int32_t *points);

// The sum of the differences between pairs of samples, a sum each, and the usual ones in Q4, but for the mean difference, which is
// that of the sums of all, the usual one of which is given; `count` is 1 at least.
uint32_t qi_pairs_distance(const int16_t *samples, const int32_t *usualQ4, ptrdiff_t count, int32_t usualSum);

// Codes of 8 bits: numbers below 2^21 times a factor over 2^22, rounded to the nearest, halves up.
void qi_scaled_codes(const int32_t *numbers, ptrdiff_t count, int32_t factor, int8_t *codes);

#pragma clang assume_nonnull end
