/// What counts as a response to therapy.
package enum ResponseDefinition: String, CaseIterable, Sendable, Codable {
  /// The manifest's `label` says.
  case given
  /// The left ventricle's end-systolic volume falls by 15 % or more of what it was.
  case lvesv15
  /// The left ventricle's ejection fraction rises by 5 points or more.
  case lvef5

  /// The manifest's columns that it needs.
  package var columns: [String] {
    switch self {
    case .given: ["label"]
    case .lvesv15: ["lvesv_before", "lvesv_after"]
    case .lvef5: ["lvef_before", "lvef_after"]
    }
  }

  /// Whether a patient responded; nil where one of the columns is empty.
  ///
  /// Volumes and fractions are decimal numbers, so exactly 15 % and exactly 5 points count, whatever binary makes
  /// of them.
  package func responds(label: Bool?, _ covariates: Covariates) -> Bool? {
    let roundingAllowance = 1e-9
    switch self {
    case .given:
      return label
    case .lvesv15:
      guard let before = covariates.lvesvBeforeMl, let after = covariates.lvesvAfterMl else { return nil }
      return before - after >= (0.15 - roundingAllowance) * before
    case .lvef5:
      guard let before = covariates.lvefBeforePercent, let after = covariates.lvefAfterPercent else {
        return nil
      }
      return after - before >= 5 - roundingAllowance
    }
  }
}
