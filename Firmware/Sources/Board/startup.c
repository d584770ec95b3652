// From reset to main, and what main needs: memory, text out by semihosting, an end.
#if !__STDC_HOSTED__
#include "Board.h"

extern uint32_t data_start[], data_end[], data_in_flash[], bss_start[], bss_end[];
extern uint32_t stack_start[], stack_end[];
extern uint8_t memory_start[];

int main(int argc, char **argv);

enum { paint = 0xA5A5A5A5 };

#if defined(BOARD_WITHOUT_DEBUGGER)

// Without a debugger nobody reads text, and a program that ends stands still until reset.
void board_put(uint8_t character) { (void)character; }

void board_put_all(const uint8_t *characters, size_t count) {
  (void)characters;
  (void)count;
}

_Noreturn void board_exit(int32_t status) {
  (void)status;
  for (;;) __asm__ volatile("wfi");
}

#else

// The debugger's service `operation`; QEMU plays the debugger.
static int32_t semihost(uint32_t operation, const void *argument) {
#if defined(__riscv)
  register uint32_t a0 __asm__("a0") = operation;
  register const void *a1 __asm__("a1") = argument;
  // The shifts mark the break as a call; all three lie in one page.
  __asm__ volatile(
    ".balign 16\n .option push\n .option norvc\n slli zero, zero, 0x1f\n ebreak\n srai zero, zero, 7\n .option pop"
    : "+r"(a0)
    : "r"(a1)
    : "memory");
  return (int32_t)a0;
#else
  register uint32_t r0 __asm__("r0") = operation;
  register const void *r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return (int32_t)r0;
#endif
}

static char line[128];
static uint32_t lineLength;

void board_put(uint8_t character) {
  line[lineLength++] = (char)character;
  if (character != '\n' && lineLength < sizeof line - 1) return;
  line[lineLength] = 0;
  semihost(0x04, line);  // SYS_WRITE0
  lineLength = 0;
}

void board_put_all(const uint8_t *characters, size_t count) {
  for (size_t index = 0; index < count; index += 1) board_put(characters[index]);
}

_Noreturn void board_exit(int32_t status) {
  const uint32_t reason[2] = {0x20026, (uint32_t)status};  // ADP_Stopped_ApplicationExit
  semihost(0x20, reason);                                  // SYS_EXIT_EXTENDED
  for (;;) {
  }
}

#endif

uint8_t *board_memory(void) { return memory_start; }

size_t board_memory_byte_count(void) { return (size_t)((uint8_t *)stack_start - memory_start); }

size_t board_stack_byte_count(void) {
  const uint32_t *lowest = stack_start;
  while (lowest < stack_end && *lowest == paint) lowest += 1;
  return (size_t)((const uint8_t *)stack_end - (const uint8_t *)lowest);
}

static uint32_t *paintEnd;

// Called from nowhere else and calling nothing, so that the stack pointer is the caller's but for a few registers.
__attribute__((noinline)) void board_paint_stack(void) {
#if defined(__riscv)
  __asm__ volatile("mv %0, sp" : "=r"(paintEnd));
#else
  __asm__ volatile("mov %0, sp" : "=r"(paintEnd));
#endif
  for (volatile uint32_t *to = stack_start; to < paintEnd; to += 1) *to = paint;
}

size_t board_used_stack_byte_count(void) {
  const uint32_t *lowest = stack_start;
  while (lowest < paintEnd && *lowest == paint) lowest += 1;
  return (size_t)((const uint8_t *)paintEnd - (const uint8_t *)lowest);
}

// Everything between reset and main; the stack is there.
__attribute__((used)) _Noreturn static void start(void) {
#if defined(__ARM_FEATURE_MVE) || defined(__ARM_FP)
  // The registers of floating point and vectors are off after reset: full access to coprocessors 10 and 11.
  *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20;
  __asm__ volatile("dsb\n isb" ::: "memory");
#endif
  for (uint32_t *to = data_start, *from = data_in_flash; to < data_end;) *to++ = *from++;
  for (uint32_t *to = bss_start; to < bss_end;) *to++ = 0;
  // Painted, so that what the stack took shows; its uppermost words are in use.
  for (uint32_t *to = stack_start; to < stack_end - 32;) *to++ = paint;
  board_exit(main(0, 0));
}

__attribute__((weak)) void board_faulted(uint32_t address) { (void)address; }

// An unexpected exception: EX_SOFTWARE.
__attribute__((used)) static void fault_at(uint32_t address) {
  board_faulted(address);
  board_exit(70);
}

#if defined(__riscv)

__attribute__((naked, used, section(".vectors"))) void vectors(void) {
  __asm__ volatile(
    ".option push\n .option norelax\n la gp, __global_pointer$\n .option pop\n"
    "la t0, trap\n csrw mtvec, t0\n"
    "la sp, stack_end\n"
    "j start\n");
}

__attribute__((naked, used, aligned(4))) static void trap(void) {
  __asm__ volatile("csrr a0, mepc\n j fault_at");
}

#else

typedef void handler(void);

// The exception's frame holds the program counter as its seventh word.
__attribute__((naked, used)) static void fault(void) {
  __asm__ volatile("mrs r0, msp\n ldr r0, [r0, #24]\n ldr r1, =fault_at\n bx r1\n .ltorg");
}

__attribute__((weak)) void board_ticked(void) {}

// The stack's end, reset, NMI, hard fault, memory, bus, usage and secure faults; at the end SysTick.
__attribute__((used, section(".vectors"))) const struct {
  uint32_t *stack;
  handler *handlers[15];
} vectors = {stack_end, {(handler *)start, fault, fault, fault, fault, fault, fault, [14] = board_ticked}};

#endif
#endif
