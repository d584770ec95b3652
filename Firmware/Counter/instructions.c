// A QEMU plugin that counts executed instructions by stage.
//
//   -plugin instructions.so,symbols=FILE,output=FILE
//
// Each line of the symbols is a function: address, size in bytes (both hexadecimal), stage. A function of stage `-` is a
// helper: its instructions count to whoever called it, as do those outside any function. A stage whose name begins with
// `*` has a line for each call in the output, the others one for all of their calls. An instruction that its condition
// skips counts as executed, as it takes its time.
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
typedef void (*ended)(qemu_plugin_id_t id, void *data);
enum { QEMU_PLUGIN_CB_NO_REGS };
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, tb_translated callback);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block, tb_executed callback, int flags, void *data);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, ended callback, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *block);

#ifndef PLUGIN_VERSION
#define PLUGIN_VERSION 1
#endif
__attribute__((visibility("default"))) int qemu_plugin_version = PLUGIN_VERSION;

typedef struct {
  char name[80];
  uint64_t calls, instructions;
} stage;

typedef struct {
  uint64_t start, end;
  stage *stage;  // NULL of a helper
} function;

typedef struct {
  const function *function;
  uint64_t instructions;
  bool isEntry;
} block;

typedef struct {
  stage *stage;
  uint64_t instructions;
} call;

static stage stages[256];
static size_t stageCount;
static function *functions;
static size_t functionCount;
static call *calls;
static size_t callCount, callCapacity;
static stage *current = stages;  // stages[0] has what comes before any other stage.
static uint64_t total;
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

static void execute(unsigned int cpu, void *data) {
  (void)cpu;
  const block *block = data;
  if (block->function != NULL && block->function->stage != NULL) {
    if (block->isEntry) {
      block->function->stage->calls += 1;
      if (block->function->stage->name[0] == '*') {
        if (callCount == callCapacity) {
          callCapacity = callCapacity * 2 + 1024;
          calls = realloc(calls, callCapacity * sizeof *calls);
          if (calls == NULL) exit(71);
        }
        calls[callCount++] = (call){block->function->stage, 0};
      }
    }
    current = block->function->stage;
  }
  current->instructions += block->instructions;
  total += block->instructions;
  if (current->name[0] == '*') {
    // The newest call of the stage: stages don't call themselves.
    size_t index = callCount;
    while (index > 0 && calls[index - 1].stage != current) index -= 1;
    if (index > 0) calls[index - 1].instructions += block->instructions;
  }
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *translated) {
  (void)id;
  // Kept to the end: QEMU may run it at any time.
  block *data = calloc(1, sizeof *data);
  if (data == NULL) exit(71);
  const uint64_t address = qemu_plugin_tb_vaddr(translated);
  data->function = functionAt(address);
  data->instructions = qemu_plugin_tb_n_insns(translated);
  data->isEntry = data->function != NULL && address == data->function->start;
  qemu_plugin_register_vcpu_tb_exec_cb(translated, execute, QEMU_PLUGIN_CB_NO_REGS, data);
}

static void finish(qemu_plugin_id_t id, void *data) {
  (void)id, (void)data;
  FILE *output = fopen(outputPath, "w");
  if (output == NULL) return;
  fprintf(output, "total 1 %llu\n", (unsigned long long)total);
  for (size_t index = 0; index < stageCount; index += 1) {
    fprintf(output, "%s %llu %llu\n", stages[index].name, (unsigned long long)stages[index].calls,
            (unsigned long long)stages[index].instructions);
  }
  for (size_t index = 0; index < callCount; index += 1) {
    fprintf(output, "call %s %llu\n", calls[index].stage->name, (unsigned long long)calls[index].instructions);
  }
  fclose(output);
}

__attribute__((visibility("default"))) int qemu_plugin_install(
  qemu_plugin_id_t id, const qemu_info_t *info, int count, char **arguments) {
  (void)info;
  stageNamed("start");
  for (int index = 0; index < count; index += 1) {
    if (strncmp(arguments[index], "output=", 7) == 0) {
      snprintf(outputPath, sizeof outputPath, "%s", arguments[index] + 7);
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
