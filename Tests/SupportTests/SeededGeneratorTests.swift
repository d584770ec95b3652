import Support
import Testing

@Suite struct SeededGeneratorTests {
  /// The outputs that Rosetta Code lists for Vigna's splitmix64.c.
  @Test func matchesPublishedOutputs() {
    var generator = SeededGenerator(seed: 1_234_567)
    let expected: [UInt64] = [
      6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
      4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
    ]
    for value in expected { #expect(generator.next() == value) }
  }

  @Test func uniformsFillTheUnitInterval() {
    var generator = SeededGenerator(seed: 1)
    let values = (0..<100_000).map { _ in generator.nextUniform() }
    #expect(values.allSatisfy { (0..<1).contains($0) })
    // The mean's standard deviation is sqrt(1 / 12 / 100,000) = 0.0009.
    #expect(abs(values.reduce(0, +) / 100_000 - 0.5) < 0.004)
  }

  @Test func partsAreIndependentOfTheirOrder() {
    let generator = SeededGenerator(seed: 5)
    var first = generator.split(1)
    var second = generator.split(2)
    var again = generator.split(1)
    let value = first.next()
    #expect(value == again.next() && value != second.next())
  }
}
