import Evaluation
import Networks
import Testing

@Suite struct WindowAimTests {
  /// Four windows of the class, three of them found, and five others, of which four are left alone.
  private static let score = WindowScore(
    [
      [(1, 1), (1, 1), (0, 0), (0, 0), (0, 1)], [(1, 1), (1, 0), (0, 0), (0, 0)],
    ].map { windows in
      windows.map { truth, said in
        BeatDecision(record: "r", sample: 0, classIndex: truth, logits: said == 1 ? [0, 1] : [1, 0])
      }
    }, classIndex: 1, className: "VT", atSpecificity: 0.9, seed: 1)

  /// By hand: the sensitivity is 3 of 4, the specificity 4 of 5.
  @Test func aMissedAimIsToldWithWhatWasFoundAndWhatToDo() {
    let remedy = "; set it by hand with --offsets"
    #expect(
      WindowValidation.Aim.specificity(0.9).shortfall(of: Self.score)
        == "VT has a specificity of 80.00 % on these records, below the aim of 90.00 %" + remedy)
    #expect(
      WindowValidation.Aim.sensitivity(0.76).shortfall(of: Self.score)
        == "VT has a sensitivity of 75.00 % on these records, below the aim of 76.00 %" + remedy)
  }

  @Test func anAimThatIsJustReachedIsNotMissed() {
    #expect(WindowValidation.Aim.specificity(0.8).shortfall(of: Self.score) == nil)
    #expect(WindowValidation.Aim.sensitivity(0.75).shortfall(of: Self.score) == nil)
  }
}
