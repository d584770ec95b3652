import Foundation
import QuantInfer
import Support
import TestNetworks
import Testing
import TestSupport

/// Records with other numbers of leads than the model takes, and images with impossible ones, in each command that reads both.
@Suite struct WrongLeadTests {
  private static let image = ProjectFiles.path("Firmware/Leads/signs.qinf")
  private static let signs = ProjectFiles.path("Firmware/Leads/signs")

  /// RECORD is the record, IMAGE the image of two leads, DATA the record's folder, OUT an output.
  private static let commands: [(name: String, line: [String])] = [
    ("stream", ["device-sim", "stream", "--model", "IMAGE", "--record", "RECORD"]),
    ("sweep", ["device-sim", "sweep", "--model", "IMAGE", "--records", "RECORD", "--output", "OUT.jsonl"]),
    ("faults", ["device-sim", "faults", "--model", "IMAGE", "--record", "RECORD", "--trials", "1"]),
    ("verdict", ["device-sim", "verdict", "--model", "IMAGE", "--record", "RECORD"]),
    (
      "export --record",
      ["exporter", "export", "IMAGE", "--format", "c", "--record", "RECORD", "--output", "OUT.c"]
    ),
  ]

  private static func run(_ line: [String], record: String, image: String, in folder: TemporaryFolder)
    throws -> Command.Result
  {
    try Command(line[0]).run(
      line.dropFirst().map {
        $0 == "RECORD"
          ? record : $0 == "IMAGE" ? image : $0.hasPrefix("OUT") ? folder("out" + $0.dropFirst(3)) : $0
      } + ["--quiet"])
  }

  /// One line of error that holds a text, and the status of bad data.
  private static func isTold(_ result: Command.Result, _ text: String) -> Bool {
    let lines = result.errors.split(separator: "\n")
    let errors = lines.filter { $0.hasPrefix("error: ") }
    return result.status == 65 && errors.count == 1 && errors[0].contains(text)
  }

  @Test func aRecordWithTooFewLeadsIsToldInOneLine() throws {
    let folder = try TemporaryFolder()
    let lead = (0..<4000).map { index in "\(Double(index % 90) / 100 + Double(index % 7) / 50)" }
    for (leads, names) in [(1, "II"), (0, "")] {
      let record = folder("record-\(leads).csv")
      let rows =
        leads == 0
        ? ["time"] + lead.indices.map { "\(Double($0) / 100)" }
        : ["time,\(names)"] + lead.indices.map { "\(Double($0) / 100),\(lead[$0])" }
      try Files.write(rows.joined(separator: "\n") + "\n", to: record)
      for (name, line) in Self.commands {
        let result = try Self.run(line, record: record, image: Self.image, in: folder)
        let lines = result.errors.split(separator: "\n").filter { $0.hasPrefix("error: ") }
        #expect(result.status == 65 && lines.count == 1, "\(name), \(leads) leads: \(result.errors)")
        if leads == 1 {
          #expect(
            Self.isTold(
              result, "has 1 lead, and the model takes 2; choose a record with 2 leads"),
            "\(name): \(result.errors)")
        }
      }
    }
  }

  @Test func leadsThatAreNamedMustBeAsManyAndDifferent() throws {
    let folder = try TemporaryFolder()
    for (name, line) in Self.commands where name != "verdict" {
      for (wanted, told) in [
        ("1", "has the leads 1 named, and the model takes 2 different ones; name 2 with commas between them"),
        ("1,1", "has the leads 1, 1 named, and the model takes 2 different ones"),
        ("1,2,1", "has the leads 1, 2, 1 named"), ("1,aVF", "has no lead aVF; choose one by name or number"),
        ("1,", "has the leads 1 named"),
      ] {
        let result = try Self.run(
          line + ["--lead", wanted], record: Self.signs, image: Self.image, in: folder)
        #expect(Self.isTold(result, told), "\(name) --lead \(wanted): \(result.errors)")
      }
    }
  }

  /// The image with another number of leads, its checksum made right again.
  private static func forged(leads: UInt16) throws -> Data {
    var bytes = Array(try Files.read(image))
    let place = networkField(ModelFormat.Network.leadCount, of: bytes)
    #expect(bytes[place] == 2 && bytes[place + 1] == 0)
    (bytes[place], bytes[place + 1]) = (UInt8(leads & 255), UInt8(leads >> 8))
    return Data(resealed(bytes))
  }

  @Test func anImageWithAnImpossibleNumberOfLeadsIsRefusedByAllCommands() throws {
    let folder = try TemporaryFolder()
    for leads: UInt16 in [0, 1, 3, 4, 5, 258] {
      let image = folder("forged-\(leads).qinf")
      try Files.write(try Self.forged(leads: leads), to: image)
      for (name, line) in Self.commands + [("inspect", ["exporter", "inspect", "IMAGE"])] {
        let result = try Self.run(line, record: Self.signs, image: image, in: folder)
        #expect(Self.isTold(result, "forged-\(leads).qinf"), "\(name), \(leads) leads: \(result.errors)")
      }
    }
  }
}
