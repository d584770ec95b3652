import Cohort
import Support
import Testing

@Suite struct FoldTests {
  /// Random cohorts: 4 to 120 patients of any mixture with two of each class, 1 to 5 records each.
  private static let seeds = Array(UInt64(1)...60)

  private func patients(_ generator: inout SeededGenerator) -> [Patient] {
    let count = 4 + generator.nextIndex(below: 117)
    let responders = 2 + generator.nextIndex(below: count - 3)
    return (0..<count).map { index in
      let records = (0...generator.nextIndex(below: 5)).map {
        CohortRecord(path: "\(index)-\($0)", lead: nil, line: 1)
      }
      return Patient(
        name: "\(index)", records: records, responds: index < responders, covariates: Covariates())
    }.shuffled(using: &generator)
  }

  // claim: patients
  @Test(arguments: seeds)
  func nobodyStandsOnBothSidesAndEveryoneIsTestedOnce(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let patients = patients(&generator)
    let labels = patients.map(\.responds)
    let rarer = min(labels.count(where: \.self), labels.count { !$0 })
    let count = 2 + generator.nextIndex(below: min(rarer - 1, 9))
    for folds in Folds.stratified(labels, count: count, repeats: 3, seed: seed) {
      #expect(folds.count == count)
      for fold in folds {
        let training = Set(fold.training.flatMap { patients[$0].records.map(\.path) })
        let test = Set(fold.test.flatMap { patients[$0].records.map(\.path) })
        #expect(training.isDisjoint(with: test))
        #expect(training.count + test.count == patients.reduce(0) { $0 + $1.records.count })
      }
      #expect(folds.flatMap(\.test).sorted() == Array(patients.indices))
      let sizes = folds.map(\.test.count)
      #expect(sizes.max()! - sizes.min()! <= 1)
      let responders = folds.map { $0.test.count { labels[$0] } }
      #expect(responders.max()! - responders.min()! <= 1)
      #expect(responders.min()! >= 1)
    }
  }

  @Test(arguments: seeds)
  func aValidationPartKeepsTheMixture(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let labels = patients(&generator).map(\.responds)
    let subset = labels.indices.filter { _ in generator.nextUniform() < 0.7 }
    let fold = Folds.split(subset, labels: labels, testShare: 0.25, seed: seed)
    #expect((fold.training + fold.test).sorted() == subset)
    for label in [true, false] {
      let total = subset.count { labels[$0] == label }
      let tested = fold.test.count { labels[$0] == label }
      #expect(abs(Double(tested) - 0.25 * Double(total)) <= 1)
      #expect(total < 2 || (tested > 0 && tested < total))
    }
  }

  @Test func seedsAndRepeatsDifferAndEqualSeedsAgree() {
    let labels = (0..<71).map { $0 < 43 }
    let folds = Folds.stratified(labels, count: 5, repeats: 2, seed: 7)
    #expect(folds == Folds.stratified(labels, count: 5, repeats: 2, seed: 7))
    #expect(folds[0] != folds[1])
    #expect(folds != Folds.stratified(labels, count: 5, repeats: 2, seed: 8))
  }
}
