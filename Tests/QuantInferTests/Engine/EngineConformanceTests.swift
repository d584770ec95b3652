import ConformanceCases
import Testing
import TestNetworks
import TestSupport

@Suite struct EngineConformanceTests {
  // claim: kernels
  @Test(.enabled(if: !ConformanceFiles.kernels.isEmpty, "needs CMSIS-NN's cases in ../shared/conformance"))
  func theEngineEqualsCMSISNNsCases() throws {
    var (passed, refused) = (0, 0)
    for path in ConformanceFiles.kernels {
      let kernelCase: ConformanceCase
      do {
        kernelCase = try ConformanceCase(path: path)
      } catch ConformanceError.unsupported {
        refused += 1
        continue
      }
      var isEqual = true
      for instructions in availableInstructions {
        for hasRoom in [false, true] {
          let outputs = try engineOutputs(
            kernelCase.network, runs: kernelCase.runs, hasRoom: hasRoom, instructions: instructions)
          #expect(outputs.last == kernelCase.expected, "\(kernelCase.name)")
          if outputs.last != kernelCase.expected { isEqual = false }
        }
      }
      if isEqual { passed += 1 }
    }
    let ran = ConformanceFiles.kernels.count - refused
    print("conformance kernels: \(ran) ran, \(passed) passed, \(refused) refused")
    #expect(passed == ran)
    #expect(refused <= 13)
  }
}
