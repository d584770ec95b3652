import ECG
import Foundation
import Support
import Testing
import TestSupport

/// Outside truth: PyPI's `pyedflib`, which is Teunis van Beelen's EDFlib, writes files and reads them again.
@Suite(.enabled("needs python3 and pyedflib from PyPI") { PythonEnvironment.pyedflib != nil })
struct EDFPackageTests {
  private struct Content: Decodable {
    var leads: [String]
    var units: [String]
    var rates: [Double]
    /// The samples as stored, `[signal][sample]`.
    var digital: [[Int32]]
    /// The samples in the signal's unit.
    var physical: [[Double]]
    /// The annotations' times in seconds, and their texts.
    var onsets: [Double]
    var texts: [String]
  }

  // claim: edf
  @Test func readsTwentyKindsOfFilesToTheBit() throws {
    let folder = try TemporaryFolder()
    try #require(PythonEnvironment.pyedflib).run(["-c", Self.script, folder.path])
    let all = try JSONDecoder().decode([String: Content].self, from: Files.read(folder.file("out.json")))
    #expect(all.count == 20)
    for (name, expected) in all.sorted(by: { $0.key < $1.key }) {
      let record = try Record.read(folder.file(name))
      #expect(record.signals.map { $0.name } == expected.leads, "\(name)")
      #expect(record.signals.map { $0.units } == expected.units, "\(name)")
      #expect(
        zip(record.signals, expected.rates).allSatisfy { abs($0.sampleRateHz / $1 - 1) < 1e-5 }, "\(name)")
      #expect(record.signals.map { $0.samples } == expected.digital, "\(name)")
      for (signal, physical) in zip(record.signals, expected.physical) {
        guard let unit = signal.millivoltsPerUnit else { continue }
        #expect(try signal.millivolts() == physical.map { Float($0 * unit) }, "\(name) \(signal.name)")
      }
      let file = folder.file(name)
      let labels = Annotations.file(ofRecord: file) == nil ? [] : try Annotations.read(file).all
      #expect(
        labels.map(\.sample) == expected.onsets.map { Int(($0 * record.sampleRateHz).rounded()) }, "\(name)")
      #expect(labels.map { $0.code.isBeat ? $0.code.mnemonic : $0.text } == expected.texts, "\(name)")
    }
  }

  private static let script = """
    import json, sys, numpy as np, pyedflib
    folder = sys.argv[1]
    random = np.random.default_rng(18)
    ends = {0: 'edf', 1: 'edf', 2: 'bdf', 3: 'bdf'}
    def signal(label, unit, rate, physical, digital):
        return dict(label=label, dimension=unit, sample_frequency=rate, transducer='AgAgCl', prefilter='HP:0.05Hz',
                    physical_min=physical[0], physical_max=physical[1], digital_min=digital[0], digital_max=digital[1])
    result = {}
    for kind in range(4):
        full = (-32768, 32767) if kind < 2 else (-8388608, 8388607)
        twelve = (-2048, 2047)
        variants = [
            [signal('ECG II', 'uV', 250, (-3276.8, 3276.7), full)],
            [signal('ECG I', 'mV', 500, (-10, 10), full), signal('Resp', 'Ohm', 25, (0, 100), full),
             signal('ECG V5', 'V', 100, (-0.005, 0.005), full)],
            [signal('MLII', 'mV', 360, (-5.12, 5.115), twelve), signal('V1', 'mV', 360, (5, -5), twelve)],
            [signal('ECG', 'mV', 128, (-1.25, 7.5), (0, 1023)), signal('x', 'uV', 32, (-999999, 999999), full)],
            [signal('ECG %d' % i, 'uV', 200, (-100 - i, 3000.5), full) for i in range(12)],
        ]
        for number, signals in enumerate(variants):
            name = 'k%dv%d.%s' % (kind, number, ends[kind])
            writer = pyedflib.EdfWriter(folder + '/' + name, len(signals), file_type=kind)
            if number == 3:
                writer.setDatarecordDuration(0.25)
            writer.setSignalHeaders(signals)
            seconds = 3 + number
            data = [random.integers(s['digital_min'], s['digital_max'], seconds * s['sample_frequency'],
                                    endpoint=True).astype(np.int32) for s in signals]
            writer.writeSamples(data, digital=True)
            if kind % 2:
                for k, text in enumerate(['N', 'V', 'N', 'recording paused', 'A', '\\u00e9t\\u00e9'][:1 + number * 2]):
                    writer.writeAnnotation(0.1 + 0.43 * k, -1 if k % 2 else 0.2, text)
            writer.close()
            reader = pyedflib.EdfReader(folder + '/' + name)
            n = reader.signals_in_file
            times, _, texts = reader.readAnnotations()
            result[name] = dict(
                leads=reader.getSignalLabels(), units=[reader.getPhysicalDimension(i) for i in range(n)],
                rates=[float(reader.getSampleFrequency(i)) for i in range(n)],
                digital=[reader.readSignal(i, digital=True).tolist() for i in range(n)],
                physical=[reader.readSignal(i).tolist() for i in range(n)],
                onsets=[float(t) for t in times], texts=[str(t) for t in texts])
            reader.close()
    json.dump(result, open(folder + '/out.json', 'w'))
    """
}
