/// A rule that selects patients for cardiac resynchronization by QRS duration and bundle branch block.
package enum GuidelineRule: String, CaseIterable, Codable, Sendable {
  /// LBBB and a QRS duration of at least 150 ms, whatever else is known.
  case lbbb150 = "LBBB and QRSd >= 150 ms"
  /// Class I of the European Society of Cardiology, 2021: LBBB and at least 150 ms, with an ejection fraction of at
  /// most 35 % and symptoms (NYHA II to IV).
  case esc2021ClassI = "ESC 2021 class I"
  /// Classes I and IIa of the same: also LBBB and at least 130 ms, or at least 150 ms without LBBB.
  case esc2021ClassIOrIIa = "ESC 2021 class I or IIa"

  /// Whether the rule selects a patient; nil where the bundle branch block or the duration isn't known.
  ///
  /// The guideline's conditions on ejection fraction and symptoms hold where nothing is known of them: who is in a
  /// cohort of implanted patients was selected by them.
  ///
  /// - Parameters:
  ///   - covariates: What is known of the patient.
  ///   - measuredDurationMs: The ECG's QRS duration, for where the covariates have none.
  /// - Returns: Whether it does.
  package func selects(_ covariates: Covariates, measuredDurationMs: Double? = nil) -> Bool? {
    guard let hasLBBB = covariates.hasLBBB,
      let durationMs = covariates.qrsDurationMs ?? measuredDurationMs
    else { return nil }
    let isEligible = (covariates.lvefBeforePercent ?? 0) <= 35 && (covariates.nyhaClass ?? 2) >= 2
    switch self {
    case .lbbb150: return hasLBBB && durationMs >= 150
    case .esc2021ClassI: return isEligible && hasLBBB && durationMs >= 150
    case .esc2021ClassIOrIIa: return isEligible && durationMs >= (hasLBBB ? 130 : 150)
    }
  }
}
