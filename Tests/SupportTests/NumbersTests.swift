import Foundation
import Support
import Testing

@Suite struct NumbersTests {
  @Test(arguments: [
    (0, "0"), (999, "999"), (1000, "1,000"), (-1_234_567, "-1,234,567"),
    (Int.min, "-9,223,372,036,854,775,808"),
  ])
  func integersAreGrouped(value: Int, text: String) {
    #expect(Numbers.integer(value) == text)
  }

  @Test(arguments: [
    (1234.5, 2, "1,234.50"), (-0.004, 2, "0.00"), (-1234.567, 1, "-1,234.6"), (999.99, 1, "1,000.0"),
    (0.125, 0, "0"), (.nan, 2, "n/a"), (-.infinity, 2, "-inf"),
  ])
  func decimalsAreFixed(value: Double, places: Int, text: String) {
    #expect(Numbers.decimal(value, places: places) == text)
  }

  @Test func unitsFollowTheSize() {
    #expect(Numbers.bytes(812) == "812 B" && Numbers.bytes(7_252) == "7.3 kB")
    #expect(Numbers.bytes(999_949) == "999.9 kB" && Numbers.bytes(999_950) == "1.0 MB")
    #expect(Numbers.percent(0.99534) == "99.53 %")
    #expect(
      Numbers.duration(seconds: 59.6) == "1 min 00 s" && Numbers.duration(seconds: 3900) == "1 h 05 min")
    #expect(Numbers.duration(seconds: .infinity) == "n/a")
  }
}

@Suite struct KaiserTests {
  /// Abramowitz and Stegun, table 9.8: the Bessel function I0 at 1, 2 and 5.
  @Test(arguments: [(1.0, 1.266_065_878), (2, 2.279_585_302), (5, 27.239_871_823_6)])
  func theMiddleIsTheBesselFunctionOfTheShape(beta: Double, expected: Double) {
    #expect(abs(Kaiser.weight(0, beta: beta) / expected - 1) < 1e-9)
    // At 0.6 the root is 0.8, and at the ends I0(0) is 1.
    #expect(abs(Kaiser.weight(0.6, beta: beta / 0.8) / expected - 1) < 1e-9)
    #expect(Kaiser.weight(1, beta: beta) == 1 && Kaiser.weight(-1.5, beta: beta) == 1)
  }
}

@Suite struct JSONTests {
  private struct Result: Encodable {
    var zeta = 0.1
    var alpha: [Double] = [1, .nan, -.infinity]
    var path = "a/b"
  }

  @Test func keysAreSortedAndNumbersValid() throws {
    let data = try JSON.data(Result())
    #expect(
      String(decoding: data, as: UTF8.self) == """
        {
          "alpha" : [
            1,
            null,
            null
          ],
          "path" : "a/b",
          "zeta" : 0.1
        }

        """)
    #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: data) }
  }
}
