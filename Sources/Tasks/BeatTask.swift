import ECG

/// What a network is to tell beats apart by.
package enum BeatTask: String, CaseIterable, Codable, Sendable {
  /// The AAMI's classes N, S, V and F; records with paced beats are left out, as the AAMI recommends.
  case aami
  /// Six kinds of beat that MIT-BIH has many of: N, L, R, A, V and paced.
  ///
  /// The bundle branch blocks, which the AAMI's N hides, are classes of their own.
  case types

  /// The classes' names, in the order of the network's logits.
  package var classNames: [String] {
    switch self {
    case .aami: ["N", "S", "V", "F"]
    case .types: ["N", "L", "R", "A", "V", "paced"]
    }
  }

  /// The classes in which a network for a device must not be worse than another: those that EC57 reports on, or that are
  /// ectopic.
  package var criticalClassNames: [String] {
    switch self {
    case .aami: ["S", "V"]
    case .types: ["A", "V"]
    }
  }

  /// The class of a label; nil where the task has none for it.
  package func classIndex(of code: AnnotationCode) -> Int? {
    switch self {
    case .aami: code.aamiClass.flatMap { classNames.firstIndex(of: $0.rawValue) }
    case .types:
      switch code {
      case .normal: 0
      case .leftBundleBranchBlock: 1
      case .rightBundleBranchBlock: 2
      case .atrialPremature: 3
      case .prematureVentricular: 4
      case .paced: 5
      default: nil
      }
    }
  }

  /// The records of MIT-BIH that the task uses.
  package var records: [String] {
    switch self {
    case .aami: MITBIH.all.filter { !MITBIH.paced.contains($0) }
    case .types: MITBIH.all
    }
  }
}

/// The leads of a record that are trained on; tests are always on the main one.
package enum TrainingLeads: String, CaseIterable, Codable, Sendable {
  /// MLII, or the first lead where a record has none.
  case main
  /// Every lead: the other electrode places of the same beats stand in for other patients' anatomy.
  case all
}

/// How beats are divided into those to train on and those to test on.
package enum BeatSplit: String, CaseIterable, Codable, Sendable {
  /// By patient: train on DS1, test on DS2 (de Chazal 2004). What a new patient may expect.
  case inter
  /// At random within each class, four fifths to train on: the same patients are on both sides.
  case intra
}
