import Testing

@Suite struct ReferenceTFLMTests {
  // claim: kernels
  @Test func theReferenceKernelsEqualTensorFlowLiteMicro() throws {
    let cases = try TFLMGoldens().cases
    var compared: [String: Int] = [:]
    for (index, golden) in cases.enumerated() {
      for (run, codes) in zip(golden.runs, try golden.referenceOutputs()) {
        #expect(codes == run.output, "case \(index), \(golden.operator)")
        compared[golden.operator, default: 0] += run.output.count
      }
    }
    print(
      "operators of TensorFlow Lite Micro: \(cases.count) cases,",
      compared.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "), "values")
    #expect(compared.count == 19)
  }
}
