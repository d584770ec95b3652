// What compilers call without being asked: copies and fills, and where the core lacks them leading zeros, division and
// arithmetic of 64 bits.
#if !__STDC_HOSTED__
#include <stddef.h>
#include <stdint.h>

#pragma clang diagnostic ignored "-Wmissing-prototypes"

// The loops must not be taken for calls of themselves.
#define NO_BUILTIN __attribute__((used, noinline, no_builtin("memcpy", "memmove", "memset", "memcmp")))

#if defined(__arm__)

// Copies of several registers at a time, of 4 bytes each.
#define COPY(registers) \
  __asm__ volatile("ldmia %0!, {" registers "}\n stmia %1!, {" registers "}" \
    : "+l"(source), "+l"(target) : : "r3", "r4", "r5", "r6", "memory")
#define COPY4 COPY("r3")
#define COPY8 COPY("r3, r4")
#define COPY16 COPY("r3, r4, r5, r6")

#else

#define COPY(type) *(type *)target = *(const type *)source, target += sizeof(type), source += sizeof(type)
typedef struct { uint32_t words[2]; } two;
typedef struct { uint32_t words[4]; } four;
#define COPY4 COPY(uint32_t)
#define COPY8 COPY(two)
#define COPY16 COPY(four)

#endif

NO_BUILTIN void *memcpy(void *to, const void *from, size_t count) {
  uint8_t *target = to;
  const uint8_t *source = from;
  if ((((uintptr_t)target | (uintptr_t)source) & 3) == 0) {
#pragma clang loop unroll(disable)
    for (; count >= 32; count -= 32) {
      COPY16;
      COPY16;
    }
    if (count & 16) COPY16;
    if (count & 8) COPY8;
    if (count & 4) COPY4;
    count &= 3;
  }
#pragma clang loop unroll(disable)
  while (count-- > 0) *target++ = *source++;
  return to;
}

NO_BUILTIN void *memmove(void *to, const void *from, size_t count) {
  uint8_t *target = to;
  const uint8_t *source = from;
  if (target <= source || target >= source + count) return memcpy(to, from, count);
  while (count-- > 0) target[count] = source[count];
  return to;
}

NO_BUILTIN void *memset(void *to, int value, size_t count) {
  uint8_t *target = to;
  const uint32_t word = (uint8_t)value * 0x01010101u;
  while (count > 0 && ((uintptr_t)target & 3) != 0) *target++ = (uint8_t)value, count -= 1;
  for (; count >= 4; count -= 4, target += 4) *(uint32_t *)target = word;
  while (count-- > 0) *target++ = (uint8_t)value;
  return to;
}

NO_BUILTIN int memcmp(const void *one, const void *other, size_t count) {
  const uint8_t *first = one, *second = other;
  for (size_t index = 0; index < count; index += 1) {
    if (first[index] != second[index]) return first[index] - second[index];
  }
  return 0;
}

#if defined(__arm__)

// The same by the names of ARM's run-time ABI, which has value and count the other way round.
__attribute__((used)) void __aeabi_memcpy(void *to, const void *from, size_t count) { memcpy(to, from, count); }
__attribute__((used)) void __aeabi_memcpy4(void *to, const void *from, size_t count) { memcpy(to, from, count); }
__attribute__((used)) void __aeabi_memcpy8(void *to, const void *from, size_t count) { memcpy(to, from, count); }
__attribute__((used)) void __aeabi_memmove(void *to, const void *from, size_t count) { memmove(to, from, count); }
__attribute__((used)) void __aeabi_memmove4(void *to, const void *from, size_t count) { memmove(to, from, count); }
__attribute__((used)) void __aeabi_memmove8(void *to, const void *from, size_t count) { memmove(to, from, count); }
__attribute__((used)) void __aeabi_memset(void *to, size_t count, int value) { memset(to, value, count); }
__attribute__((used)) void __aeabi_memset4(void *to, size_t count, int value) { memset(to, value, count); }
__attribute__((used)) void __aeabi_memset8(void *to, size_t count, int value) { memset(to, value, count); }
__attribute__((used)) void __aeabi_memclr(void *to, size_t count) { memset(to, 0, count); }
__attribute__((used)) void __aeabi_memclr4(void *to, size_t count) { memset(to, 0, count); }
__attribute__((used)) void __aeabi_memclr8(void *to, size_t count) { memset(to, 0, count); }

#endif

#if !defined(__ARM_FEATURE_CLZ)

// The number of zeros before the first one; not called with 0.
__attribute__((used)) int __clzsi2(uint32_t value) {
  int count = 0;
  for (int width = 16; width > 0; width /= 2) {
    if (value >> (32 - width) == 0) {
      count += width;
      value <<= width;
    }
  }
  return count;
}

#endif

// A quotient and its remainder, bit by bit.
typedef struct {
  uint32_t quotient, remainder;
} division;

__attribute__((used)) static division divide(uint32_t dividend, uint32_t divisor) {
  division result = {0, 0};
  for (int bit = 31; bit >= 0; bit -= 1) {
    result.remainder = result.remainder << 1 | (dividend >> bit & 1);
    if (result.remainder >= divisor) {
      result.remainder -= divisor;
      result.quotient |= 1u << bit;
    }
  }
  return result;
}

#if defined(__arm__) && !defined(__ARM_FEATURE_IDIV)

__attribute__((used)) uint32_t __aeabi_uidiv(uint32_t dividend, uint32_t divisor) {
  return divide(dividend, divisor).quotient;
}

__attribute__((used)) int32_t __aeabi_idiv(int32_t dividend, int32_t divisor) {
  const uint32_t a = dividend < 0 ? -(uint32_t)dividend : (uint32_t)dividend;
  const uint32_t b = divisor < 0 ? -(uint32_t)divisor : (uint32_t)divisor;
  const uint32_t quotient = divide(a, b).quotient;
  return (int32_t)((dividend < 0) != (divisor < 0) ? -quotient : quotient);
}

// Quotient in r0, remainder in r1: a 64-bit result has its halves there.
__attribute__((used)) uint64_t __aeabi_uidivmod(uint32_t dividend, uint32_t divisor) {
  const division result = divide(dividend, divisor);
  return (uint64_t)result.remainder << 32 | result.quotient;
}

__attribute__((used)) uint64_t __aeabi_idivmod(int32_t dividend, int32_t divisor) {
  const int32_t quotient = __aeabi_idiv(dividend, divisor);
  const uint32_t remainder = (uint32_t)dividend - (uint32_t)quotient * (uint32_t)divisor;
  return (uint64_t)remainder << 32 | (uint32_t)quotient;
}

#endif

// The halves of 64 bits, so that no function here is made of calls of itself.
typedef union {
  uint64_t whole;
  struct {
    uint32_t low, high;
  };
} halves;

#if defined(__arm__) && !defined(__ARM_FEATURE_DSP)

__attribute__((used)) uint64_t __aeabi_lmul(uint64_t one, uint64_t other) {
  const halves a = {one}, b = {other};
  const uint32_t al = a.low & 0xFFFF, ah = a.low >> 16, bl = b.low & 0xFFFF, bh = b.low >> 16;
  const uint32_t low = al * bl, middle = ah * bl + (low >> 16), cross = al * bh + (middle & 0xFFFF);
  halves product;
  product.low = cross << 16 | (low & 0xFFFF);
  product.high = ah * bh + (middle >> 16) + (cross >> 16) + a.low * b.high + a.high * b.low;
  return product.whole;
}

#endif

static uint64_t shiftedLeft(uint64_t value, int count) {
  const halves from = {value};
  halves to = {value};
  if (count >= 32) {
    to.high = from.low << (count - 32);
    to.low = 0;
  } else if (count > 0) {
    to.high = from.high << count | from.low >> (32 - count);
    to.low = from.low << count;
  }
  return to.whole;
}

static uint64_t shiftedRight(uint64_t value, int count, uint32_t sign) {
  const halves from = {value};
  halves to = {value};
  if (count >= 32) {
    to.low = count == 32 ? from.high : (from.high >> (count - 32)) | (count < 64 && count > 32 ? sign << (64 - count) : 0);
    to.high = sign;
  } else if (count > 0) {
    to.low = from.low >> count | from.high << (32 - count);
    to.high = from.high >> count | sign << (32 - count);
  }
  return to.whole;
}

static uint32_t sign(int64_t value) { return value < 0 ? ~0u : 0; }

#if defined(__arm__)
__attribute__((used)) uint64_t __aeabi_llsl(uint64_t value, int count) { return shiftedLeft(value, count); }
__attribute__((used)) uint64_t __aeabi_llsr(uint64_t value, int count) { return shiftedRight(value, count, 0); }
__attribute__((used)) int64_t __aeabi_lasr(int64_t value, int count) {
  return (int64_t)shiftedRight((uint64_t)value, count, sign(value));
}
#else
__attribute__((used)) uint64_t __ashldi3(uint64_t value, int count) { return shiftedLeft(value, count); }
__attribute__((used)) uint64_t __lshrdi3(uint64_t value, int count) { return shiftedRight(value, count, 0); }
__attribute__((used)) int64_t __ashrdi3(int64_t value, int count) {
  return (int64_t)shiftedRight((uint64_t)value, count, sign(value));
}
#endif
#endif
