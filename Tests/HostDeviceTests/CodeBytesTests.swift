import Foundation
import HostDevice
import ModelFiles
import Support
import Testing
import TestSupport

@Suite struct CodeBytesTests {
  /// The linked program of `Firmware/Example`, which `make firmware-report` measures; sizes are measured now and then.
  @Test(arguments: ["mps2-an386", "microbit"])
  func theShippedModelsCodeIsThatOfTheLinkedExample(board: String) throws {
    let results = try JSONSerialization.jsonObject(
      with: Data(Files.read(ProjectFiles.path("Firmware/results.json"))))
    let boards = try #require((results as? [String: Any])?["boards"] as? [[String: Any]])
    let example = try #require(boards.first { $0["board"] as? String == board }?["example"] as? [String: Any])
    let linked = try #require(example["codeBytes"] as? Int)
    let code = ModelSummary(try LoadedModel(file: ProjectFiles.model)).memory.codeBytes
    let told = board == "microbit" ? code.cortexM0 : code.cortexM4
    #expect(abs(Double(told) / Double(linked) - 1) < 0.03)
  }

  @Test func everyConditionHasASizeAndNoOperatorsMakeTheLeastBuild() {
    let least = CodeBytes(conditions: ["QUANTINFER_SELECTED"])
    for condition in [
      "CONVOLUTION", "DEPTHWISE", "FULLY_CONNECTED", "POOLING", "ELEMENTWISE", "FUNCTIONS", "INT16", "INT4",
      "SAMPLES",
      "WHOLE_WINDOW",
    ] {
      let code = CodeBytes(conditions: ["QUANTINFER_SELECTED", "QUANTINFER_" + condition])
      #expect(code.cortexM4 > least.cortexM4 && code.cortexM0 > least.cortexM0, "\(condition)")
    }
  }

  @Test func aModelThatNeedsWholeWindowsAnywayPaysForThemOnce() {
    let once = CodeBytes(conditions: ["QUANTINFER_CONVOLUTION", "QUANTINFER_WHOLE_WINDOW"])
    let twice = CodeBytes(
      conditions: ["QUANTINFER_CONVOLUTION", "QUANTINFER_WHOLE_WINDOW", "QUANTINFER_WHOLE_WINDOW"])
    #expect(once == twice && once != CodeBytes(conditions: ["QUANTINFER_CONVOLUTION"]))
  }
}
