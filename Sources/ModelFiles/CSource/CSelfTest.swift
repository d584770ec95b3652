/// A program in C that runs a C source's samples, or windows of noise, and compares what comes of them with what is expected.
///
/// It says `all as expected` and ends with 0, or what differs first and 1. On a board without `printf`, give it
/// `-DSELF_TEST_PUT=function`: a function that takes a text.
package struct CSelfTest: Sendable {
  /// The program.
  package let text: String

  /// Writes the program of some content; nil where nothing is expected of it.
  ///
  /// - Parameters:
  ///   - content: What the source carries.
  ///   - header: The file of the source's header.
  package init?(_ content: CContent, header: String) {
    let check: String
    if content.decisions != nil {
      check = Self.monitor(isPatched: content.patch != nil, leadCount: content.leadCount)
    } else if content.outputs != nil {
      check = Self.windows
    } else {
      return nil
    }
    text = (Self.head + check + Self.main).replacing("NAME.h", with: header).replacing(
      "NAME", with: content.name)
  }

  private static let head = """
    // Runs the image NAME, and compares it with what the host's tools say: `all as expected`.
    #include "NAME.h"

    #ifdef SELF_TEST_PUT
    void SELF_TEST_PUT(const char *text);
    #else
    #include <stdio.h>
    #define SELF_TEST_PUT(text) fputs(text, stdout)
    #endif


    """

  private static func monitor(isPatched: Bool, leadCount: Int) -> String {
    let (count, place) = leadCount == 1 ? ("", "") : (" / \(leadCount)", " * \(leadCount)")
    let buffer = "static _Alignas(8) uint8_t patched[NAME_patch_buffer_byte_count];\n"
    let patching = """
        quantinfer_patch_slots slots;
        slots.byte_count = sizeof slots;
        slots.floor = 0;
        slots.slots[0] = NAME_patch;
        slots.slot_byte_counts[0] = NAME_patch_byte_count;
        slots.slots[1] = NULL;
        slots.slot_byte_counts[1] = 0;
        slots.is_this_device = NULL;
        slots.context = NULL;
        uint32_t number;
        if (quantinfer_monitor_apply_newest(monitor, &slots, patched, sizeof patched, &number) != QUANTINFER_OK)
          return "the patch is refused\\n";

      """
    return """
      static _Alignas(8) uint8_t memory[NAME_monitor_byte_count];
      \(isPatched ? buffer : "")
      enum { block_size = 32, field_count = 7 };

      // Whether a decision is the one that is expected.
      static bool is_expected(size_t place, const quantinfer_decision *decision, const int8_t *logits) {
        if (place >= NAME_decision_count) return false;
        const int32_t *expected = NAME_decisions[place];
        const int32_t beat = decision->is_about_beat ? (int32_t)decision->beat_sample_number : -1;
        if (expected[0] != (int32_t)decision->sample_number || expected[1] != beat) return false;
        if (expected[2] != decision->announcement || expected[3] != decision->class_index) return false;
        if (expected[4] != decision->margin_codes || expected[5] != decision->reason) return false;
        if (expected[6] != decision->has_logits) return false;
        for (size_t index = 0; decision->has_logits && index < NAME_logit_count; index += 1) {
          if (expected[field_count + index] != logits[index]) return false;
        }
        return true;
      }

      // What is wrong; NULL where nothing is.
      static const char *differing(void) {
        quantinfer_options options;
        NAME_set_options(&options);
        quantinfer_monitor *monitor;
        if (quantinfer_monitor_init(&monitor, NAME, NAME_byte_count, &options, memory, sizeof memory) != QUANTINFER_OK)
          return "the monitor can't be set up\\n";
      \(isPatched ? patching : "")  size_t place = 0, taken = 0;
        for (size_t from = 0; from < NAME_sample_count\(count); from += taken) {
          const size_t left = NAME_sample_count\(count) - from;
          if (quantinfer_monitor_push(monitor, NAME_samples + from\(place), left < block_size ? left : block_size, &taken) != QUANTINFER_OK)
            return "samples are refused\\n";
          quantinfer_decision decision;
          decision.byte_count = sizeof decision;
          int8_t logits[NAME_logit_count];
          while (quantinfer_monitor_next(monitor, &decision, logits, sizeof logits) == QUANTINFER_DECIDED) {
            if (!is_expected(place++, &decision, logits)) return "a decision differs\\n";
          }
        }
        return place == NAME_decision_count ? NULL : "decisions are missing\\n";
      }


      """
  }

  private static let windows = """
    static _Alignas(8) uint8_t memory[NAME_run_byte_count];

    // What is wrong; NULL where nothing is.
    static const char *differing(void) {
      quantinfer_run *run;
      if (quantinfer_run_init(&run, NAME, NAME_byte_count, memory, sizeof memory) != QUANTINFER_OK)
        return "the run can't be set up\\n";
      uint32_t noise = 1;
      for (size_t window = 0; window < NAME_output_count; window += 1) {
        quantinfer_tensor tensor;
        tensor.byte_count = sizeof tensor;
        for (size_t input = 0; quantinfer_run_input(run, input, &tensor) == QUANTINFER_OK; input += 1) {
          for (size_t place = 0; place < tensor.count * tensor.code_byte_count; place += 1) {
            noise = noise * 1664525u + 1013904223u;
            ((uint8_t *)tensor.codes)[place] = (uint8_t)(noise >> 24);
          }
        }
        if (quantinfer_run_reset(run) != QUANTINFER_OK || quantinfer_run_window(run) != QUANTINFER_OK)
          return "a window is refused\\n";
        size_t compared = 0;
        for (size_t output = 0; quantinfer_run_output(run, output, &tensor) == QUANTINFER_OK; output += 1) {
          for (size_t place = 0; place < tensor.count * tensor.code_byte_count; place += 1) {
            if (((const uint8_t *)tensor.codes)[place] != NAME_outputs[window][compared++]) return "an output differs\\n";
          }
        }
        if (compared != sizeof NAME_outputs[0]) return "outputs are missing\\n";
      }
      return NULL;
    }


    """

  private static let main = """
    int main(void) {
      const char *problem = differing();
      SELF_TEST_PUT(problem != NULL ? problem : "all as expected\\n");
      return problem != NULL;
    }

    """
}
