import ConformanceCases
import Testing
import TestSupport

@Suite struct ReferenceConformanceTests {
  @Test(.enabled(if: !ConformanceFiles.kernels.isEmpty, "needs CMSIS-NN's cases in ../shared/conformance"))
  func theReferenceKernelsEqualCMSISNNsCases() throws {
    var (passed, refused) = ([String](), [String: Int]())
    for path in ConformanceFiles.kernels {
      do {
        let kernelCase = try ConformanceCase(path: path)
        let codes = kernelCase.referenceOutput()
        let differing = zip(codes, kernelCase.expected).count { $0 != $1 }
        #expect(codes.count == kernelCase.expected.count, "\(kernelCase.name)")
        #expect(differing == 0, "\(kernelCase.name)")
        if differing == 0 { passed.append(kernelCase.name) }
      } catch ConformanceError.unsupported(let name) {
        refused[name, default: 0] += 1
      }
    }
    let refusedCount = refused.values.reduce(0, +)
    print(
      "conformance kernels by the reference: \(ConformanceFiles.kernels.count - refusedCount) ran,",
      "\(passed.count) passed, \(refusedCount) refused",
      refused.sorted { $0.key < $1.key }.map { "(\($0.value) \($0.key))" }.joined(separator: " "))
    #expect(passed.count + refusedCount == ConformanceFiles.kernels.count)
    #expect(
      Set(refused.keys).isSubset(of: ["BATCH_MATMUL", "TRANSPOSE_CONV", "UNIDIRECTIONAL_SEQUENCE_LSTM"]))
    #expect(passed.count >= 80)
  }
}
