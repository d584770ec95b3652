// Whether a program may use AMX's tiles: Linux gives a process their registers when it asks for them.
#if defined(__x86_64__)
#include "../InstructionSets.h"
#include <cpuid.h>
#include <stdatomic.h>

#if defined(__linux__)

// arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA), without a library.
static bool isGranted(void) {
  long result = 158;
  __asm__ volatile("syscall" : "+a"(result) : "D"(0x1023L), "S"(18L) : "rcx", "r11", "memory");
  return result == 0;
}

#else

static bool isGranted(void) { return false; }

#endif

// AMX-TILE and AMX-INT8, and that the operating system keeps the tiles' state.
static bool hasTiles(void) {
  unsigned a, b, c, d;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || (d >> 24 & 1) == 0 || (d >> 25 & 1) == 0) return false;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c >> 27 & 1) == 0) return false;
  unsigned low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (low >> 17 & 3) == 3;
}

bool qi_may_use_tiles(void) {
  // 0 before the first question; threads that ask at once get the same answer.
  static atomic_int answer;
  int known = atomic_load_explicit(&answer, memory_order_relaxed);
  if (known == 0) {
    known = hasTiles() && isGranted() ? 1 : 2;
    atomic_store_explicit(&answer, known, memory_order_relaxed);
  }
  return known == 1;
}

#endif
