import Foundation
import Support
import Testing
import TestSupport

/// Each output of each command, where it can't be written: told in one line before anything is read.
@Suite struct OutputTableTests {
  /// A command with `BAD` for the output.
  ///
  /// Its inputs aren't there either, and that is what it would say next.
  private static let commands = [
    "exporter train --task aami --data DATA --output BAD",
    "exporter validate --task aami --data DATA --keep BAD",
    "exporter validate --task aami --data DATA --json BAD",
    "exporter tune no.safetensors --offsets a=1 --output BAD",
    "exporter quantize no.safetensors --data DATA --output BAD",
    "exporter import no.tflite --output BAD", "exporter run no.qinf --input no.npy --output BAD",
    "exporter run no.qinf --input no.npy --output OK --layers BAD",
    "exporter export no.qinf --format c --output BAD", "exporter export no.qinf --format tflite --output BAD",
    "exporter sign no.qinf --key no.pem --output BAD", "exporter sign --new-key BAD",
    "exporter personalize --model no.qinf --data DATA --record no --output BAD",
    "exporter explain no.qinf --float no.safetensors --record no --at 1 --tensors BAD",
    "exporter report no.safetensors --data DATA --output BAD", "exporter report --compare a b --output BAD",
    "exporter dossier --project no --output BAD",
    "exporter evaluate no.qinf --data DATA --markdown BAD",
    "exporter evaluate no.qinf --data DATA --ec57 --annotations BAD",
    "exporter detect --data DATA --annotations BAD",
    "exporter task check no.json --data DATA --json BAD",
    "exporter cohort check no.csv --json BAD", "exporter cohort features no.csv --output BAD",
    "exporter cohort synthesize --output BAD", "exporter cohort ludb --data DATA --output BAD",
    "exporter cohort curve --from no.safetensors --cohort no.csv --report BAD",
    "exporter cohort study --from no.safetensors --log BAD",
    "exporter finetune --from no.safetensors --cohort no.csv --output BAD",
    "exporter finetune --from no.safetensors --cohort no.csv --output OK --image BAD",
    "exporter finetune --from no.safetensors --cohort no.csv --output OK --report BAD",
    "exporter records list DATA --json BAD", "exporter records verify DATA --json BAD",
    "exporter records fetch mitdb --server http://127.0.0.1:9 --into BAD",
    "exporter inspect no.qinf --json BAD", "exporter verify no.qinf --key no.pem --json BAD",
    "device-sim stream --model no.qinf --record no --report BAD",
    "device-sim stream --model no.qinf --record no --json BAD",
    "device-sim stream --model no.qinf --record no --annotations BAD",
    "device-sim sweep --model no.qinf --records no --output BAD",
    "device-sim faults --model no.qinf --record no --output BAD",
    "device-sim faults --model no.qinf --record no --report BAD",
    "device-sim merge no.jsonl --output BAD", "device-sim merge no.jsonl --report BAD",
    "device-sim verdict --model no.qinf --report BAD", "device-sim profiles no.json --json BAD",
  ]

  // claim: errors
  @Test func anOutputThatCannotBeWrittenIsToldFirst() throws {
    let folder = try TemporaryFolder()
    try folder.put("file", "mine")
    // Below a file there is neither a file nor a folder.
    let bad = folder("file/x")
    for command in Self.commands {
      let words = command.split(separator: " ").map { word in
        ["BAD": bad, "OK": folder("out"), "DATA": folder("data")][String(word)] ?? String(word)
      }
      let result = try Command(words[0]).run(Array(words.dropFirst()))
      #expect(result.status == 1 && result.hasOneErrorLine, "\(command): \(result.status) \(result.errors)")
      #expect(result.errors.contains(bad), "\(command): \(result.errors)")
      #expect(result.output.isEmpty, "\(command)")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["file"])
    #expect(try Files.read(folder("file")) == Data("mine".utf8))
  }
}
