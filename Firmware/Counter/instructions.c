// A QEMU plugin that counts executed instructions by stage.
//
//   -plugin instructions.so,symbols=FILE,output=FILE[,kinds=FILE[,flash=BYTES]]
//
// Each line of the symbols is a function: address, size in bytes (both hexadecimal), stage. A function of stage `-` is a
// helper: its instructions count to whoever called it, as do those outside any function. A stage whose name begins with
// `*` has a line for each call in the output, the others one for all of their calls. An instruction that its condition
// skips counts as executed, as it takes its time.
//
// Each line of the kinds is an instruction, as `timing.py kinds` writes it: address (hexadecimal), and three lists of kinds with how
// many of each, `2:1,7:4`, or `-`: what it takes, what is added where it jumps, and what is added where a jump leads to it. A
// stage's and a call's line then end in such a list of all its instructions. Reads of data at addresses below the flash's size
// count as the last kind, 63.
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The part of QEMU's plugin interface that is used here, as QEMU's documentation gives it.
typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
typedef struct qemu_info_t qemu_info_t;
typedef void (*tb_translated)(qemu_plugin_id_t id, struct qemu_plugin_tb *block);
typedef void (*tb_executed)(unsigned int cpu, void *data);
typedef void (*accessed)(unsigned int cpu, uint32_t access, uint64_t address, void *data);
typedef void (*ended)(qemu_plugin_id_t id, void *data);
enum { QEMU_PLUGIN_CB_NO_REGS };
enum { QEMU_PLUGIN_MEM_RW = 3 };
bool qemu_plugin_mem_is_store(uint32_t access);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, tb_translated callback);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block, tb_executed callback, int flags, void *data);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, ended callback, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *instruction);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *instruction);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *instruction, accessed callback, int flags, int reads, void *data);

#ifndef PLUGIN_VERSION
#define PLUGIN_VERSION 1
#endif
__attribute__((visibility("default"))) int qemu_plugin_version = PLUGIN_VERSION;

enum { KINDS = 64, SHARES = 6, READ_FROM_FLASH = 63 };

typedef struct {
  char name[80];
  uint64_t calls, instructions, kinds[KINDS];
} stage;

typedef struct {
  uint64_t start, end;
  stage *stage;  // NULL of a helper
} function;

// Kinds with how many of each; the end has none.
typedef struct {
  uint8_t kind;
  uint16_t count;
} share;

typedef struct {
  uint64_t address;
  share takes[SHARES], whereLeft[SHARES], whereEntered[SHARES];
} instruction;

typedef struct {
  const function *function;
  uint64_t instructions, start, end;
  uint16_t takes[KINDS];
  const share *whereLeft, *whereEntered;
  bool isEntry;
} block;

typedef struct {
  stage *stage;
  uint64_t instructions;
  uint32_t *kinds;  // NULL without the option
} call;

static stage stages[256];
static size_t stageCount;
static function *functions;
static size_t functionCount;
static instruction *instructions;  // by address
static size_t instructionCount;
static call *calls;
static size_t callCount, callCapacity;
static stage *current = stages;  // stages[0] has what comes before any other stage.
static uint64_t total, flashBytes;
static const block *before;
static char outputPath[1024];

static stage *stageNamed(const char *name) {
  for (size_t index = 0; index < stageCount; index += 1) {
    if (strcmp(stages[index].name, name) == 0) return &stages[index];
  }
  if (stageCount == sizeof stages / sizeof stages[0]) exit(64);
  snprintf(stages[stageCount].name, sizeof stages[0].name, "%s", name);
  return &stages[stageCount++];
}

static const function *functionAt(uint64_t address) {
  for (size_t index = 0; index < functionCount; index += 1) {
    if (address >= functions[index].start && address < functions[index].end) return &functions[index];
  }
  return NULL;
}

// The call of the current stage whose instructions are executed; NULL where its calls are not told apart.
static call *newestCall(void) {
  if (current->name[0] != '*') return NULL;
  // Stages don't call themselves.
  size_t index = callCount;
  while (index > 0 && calls[index - 1].stage != current) index -= 1;
  return index > 0 ? &calls[index - 1] : NULL;
}

static void add(stage *stage, call *call, uint8_t kind, uint32_t count) {
  stage->kinds[kind] += count;
  if (call != NULL) call->kinds[kind] += count;
}

static void addAll(stage *stage, call *call, const share *shares) {
  for (size_t index = 0; shares != NULL && index < SHARES && shares[index].count > 0; index += 1) {
    add(stage, call, shares[index].kind, shares[index].count);
  }
}

static void execute(unsigned int cpu, void *data) {
  (void)cpu;
  const block *block = data;
  // A jump is its own stage's and call's, what it leads to the next one's.
  const bool jumped = instructionCount > 0 && before != NULL && before->end != block->start;
  if (jumped) addAll(current, newestCall(), before->whereLeft);
  if (block->function != NULL && block->function->stage != NULL) {
    current = block->function->stage;
    if (block->isEntry) {
      current->calls += 1;
      if (current->name[0] == '*') {
        if (callCount == callCapacity) {
          callCapacity = callCapacity * 2 + 1024;
          calls = realloc(calls, callCapacity * sizeof *calls);
          if (calls == NULL) exit(71);
        }
        uint32_t *kinds = instructionCount > 0 ? calloc(KINDS, sizeof *kinds) : NULL;
        if (instructionCount > 0 && kinds == NULL) exit(71);
        calls[callCount++] = (call){current, 0, kinds};
      }
    }
  }
  call *newest = newestCall();
  current->instructions += block->instructions;
  total += block->instructions;
  if (newest != NULL) newest->instructions += block->instructions;
  if (instructionCount == 0) return;
  if (jumped) addAll(current, newest, block->whereEntered);
  for (size_t kind = 0; kind < KINDS; kind += 1) {
    if (block->takes[kind] > 0) add(current, newest, (uint8_t)kind, block->takes[kind]);
  }
  before = block;
}

static int byAddress(const void *one, const void *other) {
  const uint64_t a = ((const instruction *)one)->address, b = ((const instruction *)other)->address;
  return a < b ? -1 : a > b;
}

static const instruction *instructionAt(uint64_t address) {
  const instruction wanted = {.address = address};
  return bsearch(&wanted, instructions, instructionCount, sizeof wanted, byAddress);
}

static void readData(unsigned int cpu, uint32_t access, uint64_t address, void *data) {
  (void)cpu, (void)data;
  // Asked for reads alone, QEMU 7 tells of writes.
  if (address < flashBytes && !qemu_plugin_mem_is_store(access)) add(current, newestCall(), READ_FROM_FLASH, 1);
}

// What the instructions of a translated block take, one after the other.
static void addKinds(block *data, const struct qemu_plugin_tb *translated) {
  for (size_t index = 0; index < data->instructions; index += 1) {
    struct qemu_plugin_insn *each = qemu_plugin_tb_get_insn(translated, index);
    const uint64_t address = qemu_plugin_insn_vaddr(each);
    data->end = address + qemu_plugin_insn_size(each);
    const instruction *known = instructionAt(address);
    if (known == NULL) {
      fprintf(stderr, "instructions.so: no kind of the instruction at 0x%llx\n", (unsigned long long)address);
      exit(65);
    }
    for (size_t share = 0; share < SHARES; share += 1) {
      data->takes[known->takes[share].kind] += known->takes[share].count;
    }
    if (flashBytes > 0) {
      qemu_plugin_register_vcpu_mem_cb(each, readData, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW, NULL);
    }
    if (index == 0) data->whereEntered = known->whereEntered;
    data->whereLeft = known->whereLeft;
  }
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *translated) {
  (void)id;
  // Kept to the end: QEMU may run it at any time.
  block *data = calloc(1, sizeof *data);
  if (data == NULL) exit(71);
  const uint64_t address = qemu_plugin_tb_vaddr(translated);
  data->start = address;
  data->function = functionAt(address);
  data->instructions = qemu_plugin_tb_n_insns(translated);
  data->isEntry = data->function != NULL && address == data->function->start;
  if (instructionCount > 0) addKinds(data, translated);
  qemu_plugin_register_vcpu_tb_exec_cb(translated, execute, QEMU_PLUGIN_CB_NO_REGS, data);
}

static void finish(qemu_plugin_id_t id, void *data) {
  (void)id, (void)data;
  FILE *output = fopen(outputPath, "w");
  if (output == NULL) return;
  fprintf(output, "total 1 %llu\n", (unsigned long long)total);
  for (size_t index = 0; index < stageCount; index += 1) {
    fprintf(output, "%s %llu %llu", stages[index].name, (unsigned long long)stages[index].calls,
            (unsigned long long)stages[index].instructions);
    for (size_t kind = 0; kind < KINDS; kind += 1) {
      if (stages[index].kinds[kind] > 0) {
        fprintf(output, " %zu:%llu", kind, (unsigned long long)stages[index].kinds[kind]);
      }
    }
    fputc('\n', output);
  }
  for (size_t index = 0; index < callCount; index += 1) {
    fprintf(output, "call %s %llu", calls[index].stage->name, (unsigned long long)calls[index].instructions);
    for (size_t kind = 0; calls[index].kinds != NULL && kind < KINDS; kind += 1) {
      if (calls[index].kinds[kind] > 0) fprintf(output, " %zu:%u", kind, calls[index].kinds[kind]);
    }
    fputc('\n', output);
  }
  fclose(output);
}

// A list of kinds, `2:1,7:4`, or `-`: at most `SHARES`.
static bool readShares(const char *text, share shares[SHARES]) {
  for (size_t index = 0; text[0] != '-' && text[0] != 0; index += 1) {
    unsigned int kind, count;
    int length;
    if (index == SHARES || sscanf(text, "%u:%u%n", &kind, &count, &length) != 2 || kind >= KINDS) return false;
    shares[index] = (share){(uint8_t)kind, (uint16_t)count};
    text += length;
    if (text[0] == ',') text += 1;
  }
  return true;
}

static bool readKinds(const char *path) {
  FILE *kinds = fopen(path, "r");
  if (kinds == NULL) return false;
  unsigned long long address;
  char lists[3][40];
  while (fscanf(kinds, "%llx %39s %39s %39s", &address, lists[0], lists[1], lists[2]) == 4) {
    if (instructionCount % 1024 == 0) {
      instructions = realloc(instructions, (instructionCount + 1024) * sizeof *instructions);
      if (instructions == NULL) return false;
    }
    instruction *read = &instructions[instructionCount++];
    *read = (instruction){.address = address};
    if (!readShares(lists[0], read->takes) || !readShares(lists[1], read->whereLeft) ||
        !readShares(lists[2], read->whereEntered)) {
      return false;
    }
  }
  fclose(kinds);
  qsort(instructions, instructionCount, sizeof *instructions, byAddress);
  return true;
}

__attribute__((visibility("default"))) int qemu_plugin_install(
  qemu_plugin_id_t id, const qemu_info_t *info, int count, char **arguments) {
  (void)info;
  stageNamed("start");
  for (int index = 0; index < count; index += 1) {
    if (strncmp(arguments[index], "output=", 7) == 0) {
      snprintf(outputPath, sizeof outputPath, "%s", arguments[index] + 7);
    } else if (strncmp(arguments[index], "kinds=", 6) == 0) {
      if (!readKinds(arguments[index] + 6)) return -1;
    } else if (strncmp(arguments[index], "flash=", 6) == 0) {
      flashBytes = strtoull(arguments[index] + 6, NULL, 0);
    } else if (strncmp(arguments[index], "symbols=", 8) == 0) {
      FILE *symbols = fopen(arguments[index] + 8, "r");
      if (symbols == NULL) return -1;
      unsigned long long start, size;
      char name[80];
      while (fscanf(symbols, "%llx %llx %79s", &start, &size, name) == 3) {
        functions = realloc(functions, (functionCount + 1) * sizeof *functions);
        if (functions == NULL) return -1;
        start &= ~1ull;  // Thumb
        functions[functionCount++] = (function){start, start + size, strcmp(name, "-") == 0 ? NULL : stageNamed(name)};
      }
      fclose(symbols);
    }
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
  qemu_plugin_register_atexit_cb(id, finish, NULL);
  return 0;
}
