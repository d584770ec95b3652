import Support
import Testing
import TestNetworks

@Suite struct OperatorTests {
  // claim: kernels
  @Test(arguments: RandomOperators.Family.allCases)
  func randomOperatorsEqualThePlainReference(_ family: RandomOperators.Family) throws {
    var operators = RandomOperators(random: SeededGenerator(seed: 40))
    var (compared, failures) = (0, [String]())
    for round in 0..<300 {
      let next = operators.next(family)
      for instructions in availableInstructions {
        do {
          let outputs = try engineOutputs(
            next.network, runs: next.runs, hasRoom: round % 2 == 0, instructions: instructions)
          if outputs != next.expected {
            failures.append("\(outputs), not \(next.expected), of \(next.runs) by \(next.network)")
          }
        } catch {
          failures.append("\(error) by \(next.network)")
        }
      }
      compared += next.expected.reduce(0) { $0 + $1.count }
    }
    #expect(failures.count == 0, "the first: \(failures.first ?? "")")
    #expect(compared >= 300)
  }
}
