extension Monitor {
  /// What a device does while the signal of one of several leads is bad.
  public enum LostLead: Int32, Equatable, Sendable {
    /// There is no result.
    case noResult = 0
    /// It goes on with the samples as they are, as long as another lead is good: for a network that was trained so.
    case goOn
  }

  /// Watches a frame, lead by lead.
  @inline(__always)
  mutating func watch(_ frame: some Frame) {
    var isBad = quality.push(frame[0]) != nil
    if frame.leadCount > 1 {
      var leads = Indices(from: 1, to: frame.leadCount)
      while let lead = leads.next() {
        var other = SignalQuality(following: quality, lead: lead)
        _ = other.push(frame[lead])
      }
      isBad = badSignal != nil
    }
    if isBad { silence() }
  }

  /// Forgets what each lead's watch has seen.
  mutating func resetWatch() {
    quality.reset()
    var leads = Indices(from: 1, to: model.leadCount)
    while let lead = leads.next() {
      var other = SignalQuality(following: quality, lead: lead)
      other.reset()
    }
  }

  /// Why a decision now would be about bad samples; nil where the signal is good, or good enough to go on.
  @inline(__always)
  var badSignal: NoResult? {
    guard watchesSignal else { return nil }
    let first = unsafe quality.words
    guard Built.leads, model.leadCount > 1 else { return unsafe first.pointee.reason }
    return unsafe SignalQuality.reason(
      ofLeads: model.leadCount, from: first, goesOn: options.lostLead == .goOn)
  }

  /// What is bad about a lead's signal; nil where it is good, or there is no such lead.
  public func reason(ofLead lead: Int) -> NoResult? {
    guard lead >= 0, lead < model.leadCount else { return nil }
    return SignalQuality(following: quality, lead: lead).reason
  }
}

extension SignalQuality {
  /// Why a decision now would be about bad samples of some of several leads.
  ///
  /// - Parameters:
  ///   - leadCount: The leads.
  ///   - first: What the first one's watch remembers; the others' follow. A watch itself would be copied.
  ///   - goesOn: Whether one good lead is enough.
  /// - Returns: The reason; nil where the signal is good, or good enough to go on.
  fileprivate static func reason(
    ofLeads leadCount: Int, from first: UnsafePointer<Words>, goesOn: Bool
  ) -> NoResult? {
    var (worst, hasGoodLead) = (NoResult?.none, false)
    var leads = Indices(to: leadCount)
    while let lead = leads.next() {
      switch (unsafe first[lead].reason, worst) {
      case (nil, _): hasGoodLead = true
      // A lead that is bad now says more than one that was.
      case (let reason, nil), (let reason, .refilling): worst = reason
      default: break
      }
    }
    return hasGoodLead && goesOn ? nil : worst
  }
}
