import Foundation
import Support
import TestSupport
import Testing

/// Nobody means to lose a record or a model to a report.
@Suite struct OutputReplacementTests {
  private static let commands = [
    "exporter inspect DIR/m.qinf --json DIR/m.qinf", "exporter records list DIR --json DIR/mitdb-208.hea",
    "exporter records verify DIR --json DIR/mitdb-208.dat",
    "exporter detect --data DIR --json DIR/mitdb-208.atr",
    "exporter evaluate DIR/m.qinf --data DIR --records mitdb-208 --markdown DIR/mitdb-208.dat",
    "exporter evaluate DIR/m.qinf --data DIR --records mitdb-208 --markdown DIR/mitdb-208.hea",
    "device-sim verdict --model DIR/m.qinf --record DIR/mitdb-208 --json DIR/mitdb-208.hea",
    "device-sim stream --model DIR/mitdb-208.qinf --record DIR/mitdb-208 --annotations DIR",
    "exporter detect --data DIR --records mitdb-208 --annotations DIR",
    "exporter evaluate DIR/m.qinf --data DIR --ec57 --annotations DIR",
  ]

  @Test(arguments: commands) func aFileOfAnotherKindStays(command: String) throws {
    let folder = try TemporaryFolder()
    let names = ["mitdb-208.hea", "mitdb-208.dat", "mitdb-208.atr", "m.qinf", "mitdb-208.qinf"]
    for name in names {
      let source =
        name.hasSuffix("qinf")
        ? ProjectFiles.model
        : name.hasSuffix("atr") ? ProjectFiles.record + ".dat" : ProjectFiles.path("Models/records/\(name)")
      try Files.write(try Files.read(source), to: folder(name))
    }
    let before = try names.map { try Files.read(folder($0)) }
    let words = command.split(separator: " ").map {
      $0.replacing("DIR", with: folder("x").dropLast(2))
    }
    let result = try Command(String(words[0])).run(words.dropFirst().map { String($0) })
    #expect(result.status == 64, "\(result.errors)")
    let isTold =
      result.errors.contains("so it is not replaced")
      || result.errors.contains("which annotations of the suffix qinf")
      || result.errors.contains("would replace a file that the command reads or writes")
    #expect(isTold, "\(result.errors)")
    #expect(try names.map { try Files.read(folder($0)) } == before)
  }

  @Test func resultsReplaceResults() throws {
    let folder = try TemporaryFolder()
    for _ in 0..<2 {
      let result = try Command("exporter")("inspect", ProjectFiles.model, "--json", folder("m.json"))
      #expect(result.status == 0, "\(result.errors)")
    }
    try Files.write("", to: folder("empty"))
    #expect(try Command("exporter")("inspect", ProjectFiles.model, "--json", folder("empty")).status == 0)
  }
}
