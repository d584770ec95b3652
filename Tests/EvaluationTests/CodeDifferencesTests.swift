import Evaluation
import Testing

@Suite struct CodeDifferencesTests {
  @Test func codesAreHeldAgainstFloatRoundedHalfToEvenAndLimited() {
    var differences = CodeDifferences()
    // In steps of a half from zero point 3: 3, 3 (a tie to the even 0), 5 (a tie to the even 2), 4, 127, -128.
    differences.add(
      [3, 3, 5, 4, 127, -128], beside: [0, 0.25, 0.75, 0.26, 1000, -1000], scale: 0.5, zeroPoint: 3,
      range: -128...127)
    #expect(differences.codes == 6 && differences.differing == 0 && differences.largestStep == 0)
    differences.add([4, 1], beside: [0, 0.5], scale: 0.5, zeroPoint: 3, range: -128...127)
    #expect(differences.codes == 8 && differences.differing == 2 && differences.largestStep == 3)
    #expect(differences.share == 0.25)
  }
}
