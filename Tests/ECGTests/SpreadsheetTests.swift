import ECG
import Foundation
import Support
import Testing
import TestSupport

/// A newcomer's files: what spreadsheets, loggers and older programs make of one and the same recording, or leave of it.
///
/// Outside truth: the values that each text writes in its own way.
@Suite struct SpreadsheetTests {
  /// A second at 250 Hz with values of four decimals, from below 0 to beyond 1 mV.
  private static let values = (0..<250).map { index -> Double in
    let hundredths = (index * 37) % 150 - 40
    return Double(hundredths) / 100 + 0.0002
  }

  /// A text with a row a sample.
  private static func rows(_ row: (_ time: String, _ value: String) -> String) -> String {
    values.enumerated().map { index, value in
      row(String(format: "%.3f", Double(index) / 250), String(format: "%.4f", value))
    }.joined()
  }

  private static func comma(_ number: String) -> String { number.replacing(".", with: ",") }

  @Test(
    arguments: [
      ("a byte order mark", "\u{FEFF}time,II [mV]\n" + rows { "\($0),\($1)\n" }),
      ("an empty last column", "time,II [mV],\n" + rows { "\($0),\($1),\n" }),
      ("quoted numbers", "\"time\",\"II [mV]\"\n" + rows { "\"\($0)\",\"\($1)\"\n" }),
      (
        "quoted decimal commas between commas",
        "\"time\",\"II [mV]\"\n" + rows { "\"\(comma($0))\",\"\(comma($1))\"\n" }
      ),
      (
        "semicolons and decimal commas",
        "Zeit [s];II [mV]\r\n" + rows { "\(comma($0));\(comma($1))\r\n" }
      ),
      ("a spreadsheet's sep", "sep=;\r\ntime;II [mV]\r\n" + rows { "\($0);\($1)\r\n" }),
      ("units in brackets of their own line", "time;II\n[s];[mV]\n" + rows { "\($0);\($1)\n" }),
      ("a typesetter's minus", "time,II [mV]\n" + rows { "\($0),\($1.replacing("-", with: "\u{2212}"))\n" }),
      ("comments between and at the end", "# a\ntime,II [mV]\n# b\n" + rows { "\($0),\($1)\n" } + "# end\n"),
      ("a running number first", ",time,II [mV]\n" + rows { "7,\($0),\($1)\n" }.numbered),
      ("an old Mac's line ends", "time,II [mV]\r" + rows { "\($0),\($1)\r" }),
      ("exponents", "time,II [mV]\n" + rows { "\($0)e+0,\($1)E0\n" }),
    ] as [(String, String)])
  func isReadAsItIsMeant(kind: String, text: String) throws {
    let record = try Record(csv: Data(text.utf8), name: "x", file: "x.csv")
    let lead = try record.lead("II", file: "x.csv")
    #expect(record.sampleRateHz == 250 && lead.gaps.isEmpty, "\(kind)")
    let offset = lead.millivolts.isEmpty ? 0 : Self.values[0] - Double(lead.millivolts[0])
    #expect(lead.millivolts.count == 250 && abs(offset) < 1e-6, "\(kind)")
    for (found, right) in zip(lead.millivolts, Self.values) {
      #expect(abs(Double(found) - right) < 1e-6, "\(kind)")
    }
  }

  @Test func pointsAndCommasOfThousandsAreToldApart() throws {
    func first(_ cell: String) throws -> Float {
      try Record(
        csv: Data("time,II [uV]\n0,\"\(cell)\"\n0.004,\"\(cell)\"\n".utf8), name: "x", file: "x.csv"
      ).signals[0].millivolts()[0]
    }
    #expect(try first("1,096.5") == 1.0965)
    #expect(try first("1096,5") == 1.0965)
    // It may be either, so it is neither.
    let error = failure { _ = try first("1,096") }
    #expect(error?.location == "line 2" && error?.problem.contains("'1,096'") == true)
  }

  @Test func pointsOfThousandsStandBesideDecimalCommas() throws {
    let text = "Zeit [s];II [uV]\n0,000;-245,0\n0,004;1.005,5\n0,008;1.234.567,0\n0,012;1.005\n"
    let record = try Record(csv: Data(text.utf8), name: "x", file: "x.csv")
    #expect(try record.signals[0].millivolts() == [-0.245, 1.0055, 1234.567, 1.005])
    // Without such a number a point is the decimal one, as ever.
    let plain = "Zeit [s];II [uV]\n0,000;245,0\n0,004;1.005\n"
    #expect(
      try Record(csv: Data(plain.utf8), name: "x", file: "x.csv").signals[0].millivolts()[1] == 0.001005)
  }

  @Test(
    arguments: [
      (
        "texts above the titles", "Patient:,John Doe\nRate:,360\n\ntime,II\n0,1\n",
        "line 4: has 'II' for John Doe, which is no number; correct the line, or remove what stands above the line of "
          + "the columns' names"
      ),
      (
        "lines above the titles", "Name,Max\nSample Rate,250 hertz\n\nLead,I\n0.1\n",
        "line 5: has 1 of 2 fields; correct the line, or remove what stands above the line of the columns' names"
      ),
      (
        "times that go back", "time,II\n0,1\n0.004,1\n0.008,1\n0.004,1\n",
        "line 5: its time does not grow; order"
      ),
      (
        "times from last to first", "time,II\n0.008,1\n0.004,1\n0,1\n",
        "has times that do not grow; order the rows"
      ),
      (
        "a mean below", "time,II\n0,1\n0.004,1\nMean,1\n",
        "line 4: has 'Mean' for time, which is no number; correct"
      ),
      ("JSON", "{\"a\": [1, 2]}\n", "line 1: the header line is followed by no samples; name"),
      ("nothing", " \n\n", "the file is empty; give a header line"),
      ("titles alone", "time,II\n", "line 1: the header line is followed by no samples; name"),
    ] as [(String, String, String)])
  func isToldInALineWhoseRemedyWorks(kind: String, text: String, line: String) {
    let error = failure { _ = try Record(csv: Data(text.utf8), name: "x", file: "x.csv") }
    #expect(error?.description.contains(line) == true, "\(kind): \(String(describing: error))")
  }

  @Test(arguments: ["508", "516", "524"]) func signalsCompressedByFLACAreCalledSo(format: String) {
    let error = failure {
      _ = try RecordHeader(
        parsing: Data("r 1 360 2\nr.dat \(format) 200 12 0 0 0 0 II\n".utf8), file: "r.hea")
    }
    #expect(error?.problem == "says that r.dat is compressed by FLAC (format \(format)), which is not read")
    #expect(error?.remedy.contains("format 16") == true && error?.location == "line 2")
  }

  @Test func aSignalFileOfSeveralWordsIsToldAsSuch() {
    let error = failure {
      _ = try RecordHeader(parsing: Data("r 1 360 2\nEKG Müller 1.dat 16 200\n".utf8), file: "r.hea")
    }
    #expect(error?.problem == "has 'Müller' for its storage format")
    #expect(error?.remedy.contains("can't have spaces") == true)
  }

  @Test func annotationsOfTheAHAAreCalledSo() throws {
    // Sixteen bytes a label: 0, the letter, milliseconds, a number, and eight that say nothing here.
    func labels(_ letters: String) -> Data {
      Data(
        letters.utf8.enumerated().flatMap {
          [0, $1, 0, 0, UInt8($0 * 40), 3, UInt8($0), 0] + [UInt8](repeating: 0, count: 8)
        })
    }
    let error = failure { _ = try Annotations(parsing: labels("NNVNN"), file: "r.atr") }
    #expect(error?.problem == "is in the AHA's format of annotations, not in the MIT format")
    #expect(error?.remedy.contains("rdann and wrann") == true)
    // One such start may be MIT's own: code 19 and 512 samples.
    #expect(
      failure { _ = try Annotations(parsing: labels("NNVNx"), file: "r.atr") }?.problem != error?.problem)
  }
}

extension String {
  /// Each line's first field as the line's number.
  fileprivate var numbered: String {
    split(separator: "\n").enumerated().map { "\($0)\($1.dropFirst())\n" }.joined()
  }
}
