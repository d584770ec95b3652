/// A patient's sex, as a guideline's criteria use it.
package enum Sex: String, Sendable, Codable {
  /// `F` or `female`.
  case female
  /// `M` or `male`.
  case male
}

/// What a manifest says of a patient beside the records; nil where it says nothing.
package struct Covariates: Equatable, Sendable, Codable {
  /// The clinic's own QRS duration, in milliseconds.
  package var qrsDurationMs: Double?
  /// Whether there is a left bundle branch block.
  package var hasLBBB: Bool?
  /// The sex.
  package var sex: Sex?
  /// The age in years.
  package var ageYears: Double?
  /// The class of heart failure by the New York Heart Association, 1 to 4.
  package var nyhaClass: Int?
  /// The left ventricle's ejection fraction before therapy, in per cent.
  package var lvefBeforePercent: Double?
  /// The left ventricle's ejection fraction after therapy, in per cent.
  package var lvefAfterPercent: Double?
  /// The left ventricle's end-systolic volume before therapy, in millilitres.
  package var lvesvBeforeMl: Double?
  /// The left ventricle's end-systolic volume after therapy, in millilitres.
  package var lvesvAfterMl: Double?

  /// Creates covariates of which nothing is known.
  package init() {}
}

extension Covariates {
  /// A column of a manifest: how to read a cell, take it from another row of the same patient, and write it.
  struct Column: Sendable {
    let name: String
    /// What a cell may hold, for errors.
    let allowed: String
    /// Takes a cell's text; false where it isn't allowed.
    let take: @Sendable (String, inout Covariates) -> Bool
    /// The cell's text; empty where nothing is known.
    let text: @Sendable (Covariates) -> String

    private init<Value: Equatable & Sendable>(
      _ name: String, _ allowed: String, _ path: WritableKeyPath<Covariates, Value?> & Sendable,
      parse: @escaping @Sendable (String) -> Value?, text: @escaping @Sendable (Value) -> String
    ) {
      self.name = name
      self.allowed = allowed
      take = { cell, covariates in
        guard let value = parse(cell) else { return false }
        covariates[keyPath: path] = value
        return true
      }
      self.text = { $0[keyPath: path].map(text) ?? "" }
    }

    private init(
      _ name: String, _ range: ClosedRange<Int>, _ unit: String,
      _ path: WritableKeyPath<Covariates, Double?> & Sendable
    ) {
      let limits = Double(range.lowerBound)...Double(range.upperBound)
      self.init(
        name, "a number in \(range.lowerBound) ... \(range.upperBound) \(unit)", path,
        parse: { Double($0).flatMap { limits.contains($0) ? $0 : nil } },
        text: { $0 == $0.rounded() ? "\(Int($0))" : "\($0)" })
    }

    /// All columns of covariates, in the order of `Covariates`.
    static let all = [
      Column("qrsd_ms", 40...300, "ms", \.qrsDurationMs),
      Column(
        "lbbb", "1 or 0, yes or no", \.hasLBBB, parse: { Covariates.truth($0) }, text: { $0 ? "1" : "0" }),
      Column(
        "sex", "F or M", \.sex,
        parse: { ["f": .female, "female": .female, "m": .male, "male": .male][$0.lowercased()] },
        text: { $0 == .female ? "F" : "M" }),
      Column("age", 0...120, "years", \.ageYears),
      Column(
        "nyha", "1 to 4 or I to IV", \.nyhaClass,
        parse: {
          ["1": 1, "2": 2, "3": 3, "4": 4, "I": 1, "II": 2, "III": 3, "IV": 4][$0.uppercased()]
        }, text: { "\($0)" }),
      Column("lvef_before", 1...95, "%", \.lvefBeforePercent),
      Column("lvef_after", 1...95, "%", \.lvefAfterPercent),
      Column("lvesv_before", 5...1000, "ml", \.lvesvBeforeMl),
      Column("lvesv_after", 5...1000, "ml", \.lvesvAfterMl),
    ]
  }
}

extension Covariates {
  /// A yes or a no in a cell.
  static func truth(_ text: String) -> Bool? {
    ["1": true, "yes": true, "true": true, "0": false, "no": false, "false": false][text.lowercased()]
  }
}
