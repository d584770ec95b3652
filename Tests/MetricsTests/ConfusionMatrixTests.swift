import Foundation
import Metrics
import Testing

@Suite struct ConfusionMatrixTests {
  /// The example of scikit-learn's documentation of `f1_score`.
  private var documented: ConfusionMatrix {
    var matrix = ConfusionMatrix(classNames: ["0", "1", "2"])
    for (reference, prediction) in zip([0, 1, 2, 0, 1, 2], [0, 2, 1, 0, 0, 1]) {
      matrix.add(reference: reference, prediction: prediction)
    }
    return matrix
  }

  @Test func scoresMatchScikitLearnsExample() throws {
    #expect(documented.accuracy == 2.0 / 6)
    #expect(documented.sensitivity(ofClass: 0) == 1)
    #expect(documented.positivePredictivity(ofClass: 0) == 2.0 / 3)
    #expect(documented.f1(ofClass: 0) == 0.8)
    #expect(abs(try #require(documented.macroF1) - 0.8 / 3) < 1e-15)
  }

  @Test func absentClassIsLeftOutOfMacroF1() throws {
    var matrix = ConfusionMatrix(classNames: ["N", "S", "absent"])
    matrix.add(reference: 0, prediction: 0, count: 8)
    matrix.add(reference: 1, prediction: 0, count: 2)
    #expect(matrix.f1(ofClass: 1) == 0)
    #expect(matrix.f1(ofClass: 2) == nil)
    #expect(matrix.macroF1 == 8.0 / 18)
  }

  @Test func classWithOnlyFalsePredictionsCountsAsZero() {
    var matrix = ConfusionMatrix(classNames: ["N", "F"])
    matrix.add(reference: 0, prediction: 0, count: 3)
    matrix.add(reference: 0, prediction: 1, count: 1)
    #expect(matrix.sensitivity(ofClass: 1) == nil)
    #expect(matrix.macroF1 == 3.0 / 7)
  }

  @Test func emptyMatrixHasNoScore() {
    let matrix = ConfusionMatrix(classNames: ["N", "V"])
    #expect(matrix.accuracy == nil && matrix.macroF1 == nil && matrix.positivePredictivity(ofClass: 0) == nil)
  }

  @Test func sumHoldsTheCasesOfBoth() {
    var sum = documented
    sum += documented
    #expect(sum.total == 12 && sum.correct == 4 && sum.counts[2] == [0, 4, 0])
  }

  @Test func jsonHasStableKeys() throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let text = String(decoding: try encoder.encode(documented), as: UTF8.self)
    #expect(text == #"{"classNames":["0","1","2"],"counts":[[2,0,0],[1,0,1],[0,2,0]]}"#)
    #expect(try JSONDecoder().decode(ConfusionMatrix.self, from: Data(text.utf8)) == documented)
  }

  @Test(arguments: [
    #"{"classNames":["N","V"],"counts":[[1,2]]}"#,
    #"{"classNames":["N","V"],"counts":[[1,2],[3]]}"#,
    #"{"classNames":["N"],"counts":[[-1]]}"#,
    #"{"classNames":["N"],"counts":[[9223372036854775807]]}"#,
  ])
  func rejectsCountsThatAreNoMatrix(json: String) {
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(ConfusionMatrix.self, from: Data(json.utf8))
    }
  }
}
