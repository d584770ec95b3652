/// One lead of a record at the front end's rate, with its labelled beats.
public struct LabelledSignal: Sendable {
  /// One beat and its class.
  public struct Beat: Equatable, Sendable {
    /// The beat's place in the signal.
    public var sample: Int
    /// The class's place in the task's list.
    public var classIndex: Int

    /// Creates a beat.
    public init(sample: Int, classIndex: Int) {
      self.sample = sample
      self.classIndex = classIndex
    }
  }

  /// The record's name.
  public var record: String
  /// The lead's name.
  public var lead: String
  /// The samples at the front end's rate.
  public var microvolts: [Float]
  /// The beats, in order of time.
  public var beats: [Beat]

  /// Creates a signal.
  public init(record: String, lead: String, microvolts: [Float], beats: [Beat]) {
    self.record = record
    self.lead = lead
    self.microvolts = microvolts
    self.beats = beats
  }
}
