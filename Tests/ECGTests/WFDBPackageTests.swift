import ECG
import Foundation
import Support
import Testing
import TestSupport

/// Outside truth: PhysioNet's own Python package reads what this module writes, and the other way round.
@Suite(.serialized, .enabled("needs python3 and wfdb from PyPI") { PythonEnvironment.wfdb != nil })
struct WFDBPackageTests {
  private struct Content: Codable, Equatable {
    var rate: Double
    var leads: [String]
    var gains: [Double]
    var baselines: [Int]
    var units: [String]
    var comments: [String]
    /// The samples, `[signal][sample]`; null where invalid.
    var samples: [[Int32?]]
  }

  private struct Labels: Codable, Equatable {
    var samples: [Int]
    var symbols: [String]
    var subtypes: [Int8]
    var channels: [UInt8]
    var numbers: [Int8]
    var texts: [String]
  }

  private func runPython(_ script: String, _ arguments: [String]) throws {
    try #require(PythonEnvironment.wfdb).run(["-c", script] + arguments)
  }

  private func content(_ record: Record) -> Content {
    Content(
      rate: record.sampleRateHz, leads: record.signals.map { $0.name }, gains: record.signals.map { $0.gain },
      baselines: record.signals.map { $0.baseline }, units: record.signals.map { $0.units },
      comments: record.comments,
      samples: record.signals.map { $0.samples.map { $0 == Signal.invalidSample ? nil : $0 } })
  }

  private func labels(_ annotations: Annotations) -> Labels {
    let all = annotations.all
    return Labels(
      samples: all.map(\.sample), symbols: all.map(\.code.mnemonic), subtypes: all.map(\.subtype),
      channels: all.map(\.channel), numbers: all.map(\.number), texts: all.map(\.text))
  }

  private func decode<Value: Decodable>(_ type: Value.Type, _ path: String) throws -> Value {
    try JSONDecoder().decode(type, from: try Files.read(path))
  }

  private static let formats: [SignalFormat] = [
    .twosComplement16, .twosComplement24, .twosComplement32, .bigEndian16, .offsetBinary8, .offsetBinary16,
    .packed12, .packed10, .packed10Sequential, .differences8,
  ]

  /// A record whose samples fit the format, of an odd length, with a signal of three samples a frame.
  private func makeRecord(_ format: SignalFormat, perFrame: Int) -> Record {
    var generator = SeededGenerator(seed: UInt64(format.rawValue))
    let limit = min(Double(Int64(1) << Int64(format.bitCount - 1) - 1), 1e6)
    let bound = format == .differences8 ? 60 : limit
    let signals = (0..<3).map { index in
      var specification = SignalSpecification()
      specification.name = ["MLII", "V5", "resp rate"][index]
      specification.gain = [200, 1716.5, 100][index]
      specification.baseline = [1024, 0, -7][index]
      specification.adcZero = [1024, 0, 0][index]
      specification.samplesPerFrame = index == 2 ? perFrame : 1
      let samples = (0..<101 * specification.samplesPerFrame).map { _ in
        Int32(generator.next(in: -bound...bound).rounded())
      }
      return Signal(
        specification, sampleRateHz: 257.5 * Double(specification.samplesPerFrame), samples: samples)
    }
    return Record(
      name: "r", sampleRateHz: 257.5, sampleCount: 101, signals: signals, comments: ["age 51", "sex F"])
  }

  // claim: wfdb
  @Test func wfdbReadsWhatWeWrite() throws {
    let folder = try TemporaryFolder()
    var expected: [String: Content] = [:]
    for format in Self.formats {
      for perFrame in [1, 3] {
        let record = makeRecord(format, perFrame: perFrame)
        let name = "f\(format.rawValue)x\(perFrame)"
        try record.write(folder.file(name), format: format)
        expected[name] = content(record)
      }
    }
    try runPython(
      """
      import json, sys, wfdb
      folder, names = sys.argv[1], sys.argv[2:]
      result = {}
      for name in names:
          # wfdb 4.3.0 fails on its own data type for digital samples of format 61.
          physical = name.startswith('f61')
          r = wfdb.rdrecord(folder + '/' + name, physical=physical, smooth_frames=False)
          if physical:
              samples = [[round(v * g) + b for v in s]
                         for s, g, b in zip(r.e_p_signal, r.adc_gain, r.baseline)]
          else:
              samples = [[int(v) for v in s] for s in r.e_d_signal]
          assert [(sum(s) - c) % 65536 for s, c in zip(samples, r.checksum)] == [0, 0, 0], name
          result[name] = dict(rate=r.fs, leads=r.sig_name, gains=r.adc_gain, baselines=r.baseline,
                              units=r.units, comments=r.comments, samples=samples)
      json.dump(result, open(folder + '/out.json', 'w'))
      """, [folder.path] + expected.keys.sorted())
    let found = try decode([String: Content].self, folder.file("out.json"))
    for (name, content) in expected { #expect(found[name] == content, "\(name)") }
  }

  // claim: wfdb
  @Test func weReadWhatWfdbWrites() throws {
    let folder = try TemporaryFolder()
    try runPython(
      """
      import json, sys, numpy as np, wfdb
      folder = sys.argv[1]
      random = np.random.default_rng(7)
      expected = {}
      for fmt, bits in [('80', 8), ('212', 12), ('16', 16), ('24', 24), ('32', 32)]:
          low = -(1 << bits - 1)
          d = random.integers(low, -low, size=(1001, 3))
          d[5, 0] = low
          valid = [[None if v == low else int(v) for v in s] for s in d.T]
          wfdb.wrsamp('w' + fmt, fs=360, units=['mV', 'uV', 'mV'], sig_name=['MLII', 'V1', 'II'],
                      d_signal=d, fmt=[fmt] * 3, adc_gain=[200, 1716.5, 1], baseline=[1024, 0, -3],
                      comments=['age 51'], write_dir=folder)
          expected['w' + fmt] = dict(rate=360, leads=['MLII', 'V1', 'II'], gains=[200, 1716.5, 1],
                                     baselines=[1024, 0, -3], units=['mV', 'uV', 'mV'],
                                     comments=['age 51'], samples=valid)
      json.dump(expected, open(folder + '/out.json', 'w'))
      """, [folder.path])
    for (name, expected) in try decode([String: Content].self, folder.file("out.json")) {
      #expect(content(try Record.read(folder.file(name))) == expected, "\(name)")
    }
  }

  /// Headers that aren't to the manual's letter; what a line means is `wfdb`'s word.
  @Test func wfdbAgreesOnHeadersOfManyHands() throws {
    let folder = try TemporaryFolder()
    let lines = [
      "16 200(1024.0)/mV 12 0 -145 -32633 0 II", "16 200(0)/mV 12.0 0.0 -145.0 -32633.0 0 II",
      "16 200(1023.6)/mV 12 0 -145 -32633 0 II", "16 200(0)/mVolt 12 0 -145 -32633 0 II", "16",
      "16 0 12 0 -145 -32633 0 II", "16 0/mV 12 0 -145 -32633 0 II", "16 2e2/mV 12 0 -145 -32633 0 II",
      "16 -200/mV 12 0 -145 -32633 0 II", "16 200/mV 12 0 -145 0 0 II", "16 200/mV 12 0 -145 32903 0 II",
      "16 200/mV 12 1024 -145 -32633 0 II", "\t16   200/mV\t12 0 -145 -32633  0   lead  II ", "16 200/mV",
      "16 200/mV 12 0 -145 -32633 0", "16 +200/mV 12 0 -145 -32633 0 II", "16 200./mV 12 0 -145 -32633 0 II",
      "16 200/mV 12 0 -145 -32633 0 II\r",
    ]
    let names = lines.indices.map { "h\($0)" }
    for (name, line) in zip(names, lines) {
      try folder.put("\(name).hea", "\(name) 1 360 5\n\(name).dat \(line)\n")
      try folder.put("\(name).dat", [111, 255, 3, 0, 200, 0, 0, 128, 77, 0] as [UInt8])
    }
    try runPython(
      """
      import json, sys, wfdb
      folder, names = sys.argv[1], sys.argv[2:]
      result = {}
      for name in names:
          r = wfdb.rdrecord(folder + '/' + name)
          result[name] = [None if v != v else v for v in r.p_signal[:, 0]]
      json.dump(result, open(folder + '/out.json', 'w'))
      """, [folder.path] + names)
    let found = try decode([String: [Double?]].self, folder.file("out.json"))
    for (name, line) in zip(names, lines) {
      let signal = try Record.read(folder.file(name)).signals[0]
      let own = signal.samples.map { sample in
        sample == Signal.invalidSample ? nil : Double(Int(sample) - signal.baseline) / signal.gain
      }
      let theirs = try #require(found[name])
      #expect(own.map { $0 == nil } == theirs.map { $0 == nil }, "\(line)")
      #expect(zip(own, theirs).allSatisfy { abs(($0 ?? 0) - ($1 ?? 0)) < 1e-9 }, "\(line)")
    }
  }

  @Test func wfdbReadsTheAnnotationsThatWeWrite() throws {
    let folder = try TemporaryFolder()
    var generator = SeededGenerator(seed: 9)
    var time = 0
    let symbols = "NLRaVFJASEj/Q~|sT*D=pB^t+u?![]en@xf()r".map(String.init)
    let all = (0..<3000).map { index in
      time += [0, 7, 300, 1023, 1024, 2_000_000][generator.nextIndex(below: 6)]
      return Annotation(
        sample: time, code: AnnotationCode(mnemonic: symbols[index % symbols.count])!,
        subtype: Int8(generator.nextIndex(below: 5)) - 2, channel: UInt8(generator.nextIndex(below: 3)),
        number: Int8(generator.nextIndex(below: 4)),
        auxiliary: Array("(AFIB".prefix(generator.nextIndex(below: 6)).utf8))
    }
    for (annotator, rate) in [("atr", nil), ("ii", 360)] as [(String, Double?)] {
      try Annotations(all, sampleRateHz: rate).write(folder.file("r"), annotator: annotator)
    }
    try runPython(Self.dumpLabels, [folder.file("r"), "atr", "ii"])
    let found = try decode([String: Labels].self, folder.file("r.json"))
    #expect(found["atr"] == labels(Annotations(all)))
    #expect(found["ii"] == labels(Annotations(all)))
  }

  private static let dumpLabels = """
    import json, sys, wfdb
    record, names = sys.argv[1], sys.argv[2:]
    result = {}
    for name in names:
        a = wfdb.rdann(record, name)
        result[name] = dict(samples=[int(v) for v in a.sample], symbols=a.symbol,
                            subtypes=[int(v) for v in a.subtype], channels=[int(v) for v in a.chan],
                            numbers=[int(v) for v in a.num], texts=[t.rstrip('\\0') for t in a.aux_note])
    json.dump(result, open(record + '.json', 'w'))
    """

  @Test func weReadTheAnnotationsThatWfdbWrites() throws {
    let folder = try TemporaryFolder()
    try runPython(
      """
      import sys, numpy as np, wfdb
      n = 500
      random = np.random.default_rng(3)
      times = np.cumsum(random.choice([1, 300, 1023, 1024, 3000000], n))
      symbols = list(random.choice(list('NLRaVFJASEj/Q~|+"xf'), n))
      for fs, name in [(None, 'atr'), (257.5, 'qrs')]:
          wfdb.wrann('r', name, times, symbols, subtype=random.integers(-1, 3, n),
                     chan=random.integers(0, 3, n), num=random.integers(0, 3, n),
                     aux_note=list(random.choice(['', '(N', '(AFIB', 'note'], n)), fs=fs, write_dir=sys.argv[1])
      """, [folder.path])
    try runPython(Self.dumpLabels, [folder.file("r"), "atr", "qrs"])
    let found = try decode([String: Labels].self, folder.file("r.json"))
    #expect(labels(try Annotations.read(folder.file("r"))) == found["atr"])
    let withRate = try Annotations.read(folder.file("r"), annotator: "qrs")
    #expect(labels(withRate) == found["qrs"])
    #expect(withRate.sampleRateHz == 257.5)
  }
}
