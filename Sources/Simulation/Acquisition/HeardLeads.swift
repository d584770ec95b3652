import ECG
import HostDevice
import Support

/// What is the same for all leads of a run.
struct Hearing {
  /// The model's rate, and the converter's where the device decimates.
  var sampleRateHz: Double
  var converterRateHz: Double?
  var profile: DeviceProfile
  /// The record's file, for errors.
  var file: String
  var disturbances: Disturbances
  /// The noise that they name.
  var noise: Noise?
  /// The annotated beats and the paced ones, as `Acquisition` takes them.
  var beats: [Int]?
  var paced: [Double]?

  /// A record's leads as the device hears them: each with what of the disturbances befalls it.
  ///
  /// - Parameters:
  ///   - names: The leads' names or numbers; nil stands for the record's usual lead.
  ///   - record: The record.
  /// - Returns: The leads, in the names' order.
  /// - Throws: `FileError` where a lead can't be heard, or a lead is to be disturbed that none of them is.
  func leads(_ names: [String?], of record: Record) throws(FileError) -> [Acquisition] {
    let places = try names.map { name throws(FileError) in try record.leadIndex(name) }
    let disturbed = try disturbances.leads?.map { name throws(FileError) in try record.leadIndex(name) }
    if let other = disturbed?.firstIndex(where: { !places.contains($0) }) {
      let heard = places.map { record.signals[$0].name }.joined(separator: ", ")
      throw .malformed(
        file, "has a lead \(disturbances.leads?[other] ?? ""), which the device doesn't hear",
        remedy: "name some of \(heard) with --disturbed-leads")
    }
    var leads: [Acquisition] = []
    for (place, name) in names.enumerated() {
      let isDisturbed = disturbed?.contains(places[place]) ?? true
      leads.append(
        try Acquisition(
          record, lead: name, place: place, sampleRateHz: sampleRateHz, converterRateHz: converterRateHz,
          profile: profile, file: file,
          disturbances: isDisturbed ? disturbances : disturbances.ofOtherLeads,
          noise: isDisturbed ? noise : nil, beats: beats, paced: paced))
    }
    return leads
  }
}

extension StreamResult {
  /// Says what was heard in all of several leads, not the first alone.
  mutating func hear(_ leads: [Acquisition], _ decisions: [DeviceDecision], windowSamples: Int) {
    guard leads.count > 1 else { return }
    lead = leads.map(\.leadName).joined(separator: ", ")
    for note in leads.flatMap(\.notes) where !notes.contains(note) { notes.append(note) }
    saturatedSamples = leads.reduce(0) { $0 + $1.saturatedCount }
    invalidSamples = leads.reduce(0) { $0 + $1.invalidCount }
    let befallen = leads.filter { $0.disturbances != nil }
    func counted(_ place: Int, others: [AppliedDisturbances]) -> AppliedDisturbances? {
      var one = befallen[place].disturbances
      one?.count(
        decisions, windowSamples: windowSamples, rateHz: sampleRateHz, sampleCount: samples, others: others)
      return one
    }
    guard !befallen.isEmpty else { return }
    // A coupling is every lead's: where some leads alone are disturbed, one of them says how.
    let first = befallen.firstIndex { $0.disturbances?.settings.leads != nil } ?? 0
    let others = befallen.indices.filter { $0 != first }.compactMap { befallen[$0].disturbances }
    disturbances = counted(first, others: others)
    disturbancesByLead = Dictionary(
      befallen.indices.map { (befallen[$0].leadName, counted($0, others: [])!) }, uniquingKeysWith: { $1 })
  }
}
