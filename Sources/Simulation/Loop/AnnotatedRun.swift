import ECG
import ModelFiles
import Support

/// A run's decisions as annotations at the record's own rate.
extension StreamRun {
  /// The device's classes at the beats, or at the moments of decision where a network of beats decides by the clock; of a
  /// network of rhythms a change of rhythm, such as `(af`, wherever another class is announced.
  package func annotations() -> Annotations {
    let rate = acquisition.trueSampleRateHz
    func place(_ decision: DeviceDecision) -> Int {
      Int((Double(decision.beatSample ?? decision.sample) / rate * acquisition.sourceRateHz).rounded())
    }
    let all =
      isOfRhythms
      ? rhythmChanges(at: place)
      : decisions.map { decision in
        Annotation(sample: place(decision), code: code(ofClass: result.classNames[decision.fixedClass]))
      }
    return Annotations(all, sampleRateHz: acquisition.sourceRateHz)
  }

  /// Whether decisions are about windows, whose classes are rhythms.
  private var isOfRhythms: Bool { task?.isByClock == true }

  private func rhythmChanges(at place: (DeviceDecision) -> Int) -> [Annotation] {
    var changes: [Annotation] = []
    var standing: Int?
    for decision in decisions {
      guard let announced = decision.announcedClass, announced != standing else { continue }
      standing = announced
      changes.append(
        Annotation(
          sample: place(decision), code: .rhythmChange,
          auxiliary: Array("(\(result.classNames[announced])".utf8.prefix(254)) + [0]))
    }
    return changes
  }

  /// A class's code: what its name is, or the first of the task's codes for it.
  private func code(ofClass name: String) -> AnnotationCode {
    if name == "paced" { return AnnotationCode(mnemonic: "/") ?? .normal }
    if let code = AnnotationCode(mnemonic: name) { return code }
    guard case .beats(let codes)? = task?.labels, let index = task?.classNames.firstIndex(of: name),
      let code = codes[index].first
    else { return .normal }
    return AnnotationCode(mnemonic: code) ?? .normal
  }
}
