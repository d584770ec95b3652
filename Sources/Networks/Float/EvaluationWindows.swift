import Tasks

/// The windows in which a device would decide about the beats of some records.
///
/// Each record is filtered and cut into columns from its sample 0 on; the same columns and windows serve the
/// float network and, computed in fixed point, the integer one.
package struct EvaluationWindows: Sendable {
  /// One beat with its window.
  package struct Beat: Equatable, Sendable {
    /// The beat's place, in samples at the front end's rate.
    package var sample: Int
    /// The beat's true class.
    package var classIndex: Int
    /// The window, in columns of the record.
    package var columns: Range<Int>
    /// Whether it is as the patient's usual beat, and whether the device then answers without the network.
    package var isKnown = false
    package var isAnswered = false
  }

  /// One record's columns and beats.
  package struct Record: Sendable {
    /// The record's name.
    package var name: String
    /// The lead's name.
    package var lead: String
    /// The float columns of the whole record, `[column, bin]`: levels before rounding, or units of raw samples.
    package var levels: [Float]
    /// The beats with whole windows, in order of time.
    package var beats: [Beat]
    /// What a network of beats beside the columns' sees of each of them, `[beat, input]`; empty without one.
    fileprivate var besides: [Float] = []
    /// The number of beats too near the record's ends for a whole window.
    package var leftOutBeatCount: Int
  }

  /// The windows' size and place.
  package let window: BeatWindow
  /// The records.
  package let records: [Record]
  private let beside: FloatBeatNetwork?

  /// Computes the columns and finds the windows.
  ///
  /// - Parameters:
  ///   - signals: The records.
  ///   - window: The windows' size and place.
  ///   - frontEnd: What columns are; nil for the window's spectrogram.
  ///   - beside: A network of beats that decides too; nil for none.
  package init(
    _ signals: [LabelledSignal], window: BeatWindow, frontEnd: FloatFrontEnd? = nil,
    beside: FloatBeatNetwork? = nil
  ) {
    self.window = window
    self.beside = beside
    let frontEnd = frontEnd ?? .spectrogram(window.settings)
    records = signals.map { signal in
      if let settings = window.settings.beats { return Record(signal, settings, window: window) }
      let beats = signal.beats.compactMap { beat in
        window.columns(ofBeatAt: beat.sample, inRecordOf: signal.microvolts.count).map {
          Beat(sample: beat.sample, classIndex: beat.classIndex, columns: $0)
        }
      }
      var record = Record(
        name: signal.record, lead: signal.lead, levels: frontEnd.levels(of: signal),
        beats: beats, leftOutBeatCount: signal.beats.count - beats.count)
      if let beside { record.besides = beside.inputs(of: signal, decidedAt: window) }
      return record
    }
  }

  /// The levels `[time, bin, lead]` of a beat's window, whose only column it is where beats are the input.
  package func levels(of beat: Beat, in record: Record) -> ArraySlice<Float> {
    let bins = window.settings.columnCodeCount
    return record.levels[beat.columns.lowerBound * bins..<beat.columns.upperBound * bins]
  }

  /// The float network's decisions about all beats, record by record in order of time.
  ///
  /// - Throws: `InvalidNetwork` where the network can't be, or its input isn't a window.
  package func decisions(of network: FloatGraph) throws(InvalidNetwork) -> [BeatDecision] {
    let execution = try FloatExecution(network)
    let beside = try self.beside.map { network throws(InvalidNetwork) in try FloatExecution(network.graph) }
    guard network.tensors[0].shape == [1, window.columnCount, 1, window.settings.columnCodeCount] else {
      throw InvalidNetwork("the network's input isn't \(window.columnCount) columns")
    }
    let bins = window.settings.columnCodeCount
    var decisions: [BeatDecision] = []
    for record in records {
      let inputs = record.levels.map { window.settings.networkInput(ofLevel: $0) }
      inputs.withUnsafeBufferPointer { inputs in
        var recalled = RecalledLogits()
        for (place, beat) in record.beats.enumerated() {
          let columns = beat.columns.lowerBound * bins..<beat.columns.upperBound * bins
          var logits = recalled.decide(isKnown: beat.isKnown, isAnswered: beat.isAnswered) {
            var logits: [Float] = []
            execution.run(UnsafeBufferPointer(rebasing: inputs[columns]), appendingTo: &logits)
            return logits
          }
          if let beside {
            let count = record.besides.count / record.beats.count
            let others = beside.logits(
              ofWindow: Array(record.besides[place * count..<(place + 1) * count]))
            logits = zip(logits, others).map { $0 + $1 }
          }
          decisions.append(
            BeatDecision(
              record: record.name, sample: beat.sample, classIndex: beat.classIndex, logits: logits,
              isRecalled: beat.isAnswered))
        }
      }
    }
    return decisions
  }
}

extension EvaluationWindows.Record {
  /// A record of which each beat is a column.
  fileprivate init(_ signal: LabelledSignal, _ settings: BeatSettings, window: BeatWindow) {
    let inputs = BeatInputs(
      settings.counts(ofMicrovolts: signal.microvolts), beatsAt: signal.beats.map(\.sample), window: window)
    self.init(
      name: signal.record, lead: signal.lead,
      levels: inputs.codes.map { Float($0) - Float(SpectrogramSettings.zeroLevelCode) },
      beats: inputs.beats.enumerated().map { column, beat in
        EvaluationWindows.Beat(
          sample: signal.beats[beat.index].sample, classIndex: signal.beats[beat.index].classIndex,
          columns: column..<column + 1, isKnown: beat.isKnown, isAnswered: beat.isAnswered)
      }, leftOutBeatCount: signal.beats.count - inputs.beats.count)
  }
}

extension FloatBeatNetwork {
  /// What it sees of the beats about which a network of columns decides, `[beat, input]`.
  fileprivate func inputs(of signal: LabelledSignal, decidedAt window: BeatWindow) -> [Float] {
    guard let beats = settings.beats else { return [] }
    let inputs = BeatInputs(
      beats.counts(ofMicrovolts: signal.microvolts), beatsAt: signal.beats.map(\.sample), window: window,
      settings: settings)
    return inputs.codes.map {
      settings.networkInput(ofLevel: Float($0) - Float(SpectrogramSettings.zeroLevelCode))
    }
  }
}

/// What a network decided about a beat.
package struct BeatDecision: Equatable, Sendable {
  /// The record's name.
  package var record: String
  /// The beat's place, in samples at the front end's rate.
  package var sample: Int
  /// The beat's true class.
  package var classIndex: Int
  /// The classes' logits.
  package var logits: [Float]
  /// Whether they are what the network said before of beats like this one.
  package var isRecalled: Bool

  /// Creates a decision.
  package init(record: String, sample: Int, classIndex: Int, logits: [Float], isRecalled: Bool = false) {
    self.isRecalled = isRecalled
    self.record = record
    self.sample = sample
    self.classIndex = classIndex
    self.logits = logits
  }

  /// The class of the largest logit; the first of equal ones.
  package var predictedClass: Int {
    var best = 0
    for index in logits.indices where logits[index] > logits[best] { best = index }
    return best
  }
}
