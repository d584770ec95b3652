import Foundation
import HostDevice
import ModelFiles
import Support

/// A shipped model in the dossier: what it is, how it was made, what it gave, and which devices carry it.
package struct DossierModel: Encodable, Sendable {
  /// A figure of accuracy with its interval of 95 %, as fractions.
  package struct Score: Encodable, Sendable {
    /// What it is: `int8 macro F1`, say.
    var name: String
    /// The figure.
    var value: Double
    /// The interval's lower end; null where there is none.
    var lower: Double?
    /// Its upper end.
    var upper: Double?

    /// The figure in percent, its interval behind it.
    var text: String {
      // Without an interval the last digits are all that tells one from another.
      var text = Numbers.percent(value, places: lower == nil ? 2 : 1)
      if let lower, let upper { text += " (\(percent(lower)) to \(percent(upper)))" }
      return text
    }

    private func percent(_ fraction: Double) -> String { Numbers.decimal(100 * fraction, places: 1) }
  }

  /// What a built-in profile's device makes of it.
  package struct Verdict: Encodable, Sendable {
    /// The profile.
    var profile: String
    /// Whether it carries the network.
    var outcome: Outcome
    /// In which way of running it.
    var mode: String
    /// The requirements that it fails.
    var failing: [String]
    /// The most that one sample can set off there.
    var worstCase: String
  }

  /// The model's name, that of its folder.
  package var name: String
  /// The image's digest, which it states of itself.
  package var digest: String
  /// The image's CRC-32.
  package var checksum: String
  /// The image's format.
  package var formatVersion: Int
  /// What the image says of its origin.
  package var provenance: [String: String]
  /// The commands from data to image, as its card has them.
  package var commands: [String]
  /// The image's, its code's and its memory's bytes.
  package var memory: [String: Int]
  /// The most work from one sample to the next, in the runtime's steps.
  package var workPerDecision: Int
  /// Its figures.
  package var scores: [Score]
  /// What the built-in profiles' devices make of it.
  package var verdicts: [Verdict]
  /// The card's sections on its data and its limits.
  package var card: [String: [String]]

  /// Reads a model's folder in Models.
  ///
  /// - Throws: `FileError` where a file is missing or can't be read.
  init(folder: String, name: String) throws(FileError) {
    self.name = name
    let image = "\(folder)/\(name).qinf"
    let summary = ModelSummary(try LoadedModel.read(image, withFrontEnd: true))
    (digest, checksum, formatVersion) = (summary.digest, summary.checksum, summary.formatVersion)
    provenance = summary.provenance
    memory = [
      "imageBytes": summary.memory.modelBytes, "weightBytes": summary.memory.weightBytes,
      "stateBytes": summary.memory.stateBytes, "scratchBytes": summary.memory.streamingScratchBytes ?? 0,
      "arenaBytes": summary.memory.arenaBytes,
    ]
    workPerDecision = summary.operations.workPerDecision
    verdicts = try ModelVerdicts(model: image, profiles: [], schedule: nil).devices.map { device in
      let best = device.verdict.best
      return Verdict(
        profile: device.verdict.profile, outcome: best.outcome, mode: best.mode.words,
        failing: best.failing.map(\.name).withoutRepeats.map(\.words), worstCase: best.worstCase.text)
    }
    let card = try MarkdownFile(reading: folder + "/README.md")
    commands = card.commands(inSection: "How it was made")
    self.card = Dictionary(
      uniqueKeysWithValues: ["Data", "How it was made", "Limits"].map { ($0, card.section($0)) }
        .filter { !$0.1.isEmpty })
    scores = Self.scores(try Files.read(folder + "/results.json"))
  }

  /// The figures in what `exporter evaluate` or `exporter validate` wrote.
  private static func scores(_ data: Data) -> [Score] {
    func object(_ value: Any?) -> [String: Any] { value as? [String: Any] ?? [:] }
    func score(_ name: String, _ value: Any?, _ interval: Any?) -> Score? {
      guard let value = value as? Double else { return nil }
      let interval = object(interval)
      return Score(
        name: name, value: value, lower: interval["lower"] as? Double, upper: interval["upper"] as? Double)
    }
    let results = object(try? JSONSerialization.jsonObject(with: data))
    var scores: [Score?] = []
    for twin in ["float", "int8"] {
      let beats = object(results[twin])
      scores.append(score("\(twin) macro F1", beats["macroF1"], beats["macroF1Interval"]))
      scores.append(score("\(twin) accuracy", beats["accuracy"], beats["accuracyInterval"]))
      for item in beats["classes"] as? [Any] ?? [] where twin == "int8" {
        let item = object(item)
        scores.append(score("int8 F1 of \(item["name"] as? String ?? "")", item["f1"], item["f1Interval"]))
      }
      for item in object(results["windows"])[twin] as? [Any] ?? [] {
        let item = object(item)
        for (key, words) in [
          ("sensitivity", "sensitivity"), ("specificity", "specificity"), ("area", "area under the ROC"),
          ("sensitivityAtSpecificity", "sensitivity at a specificity of 97 %"),
        ] {
          let figure = object(item[key])
          scores.append(score("\(twin) \(words)", figure["value"], figure["interval"]))
        }
      }
    }
    scores.append(score("int8 decides as float", object(results["agreement"])["top1"], nil))
    return scores.compactMap(\.self)
  }
}
