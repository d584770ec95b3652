import Support

/// One lead of a record at the front end's rate, with its labelled beats.
package struct LabelledSignal: Sendable {
  /// One beat and its class.
  package struct Beat: Equatable, Sendable {
    /// The beat's place in the signal.
    package var sample: Int
    /// The class's place in the task's list.
    package var classIndex: Int

    /// Creates a beat.
    package init(sample: Int, classIndex: Int) {
      self.sample = sample
      self.classIndex = classIndex
    }
  }

  /// The record's name.
  package var record: String
  /// The lead's name.
  package var lead: String
  /// The samples at the front end's rate.
  package var microvolts: [Float]
  /// The beats, in order of time.
  package var beats: [Beat]
  /// Whether some of the record's beats are paced.
  package var isPaced = false
  /// What was assumed of the record and its annotations, and what about them isn't plausible.
  package var notes: [FileNote] = []

  /// Creates a signal.
  package init(record: String, lead: String, microvolts: [Float], beats: [Beat]) {
    self.record = record
    self.lead = lead
    self.microvolts = microvolts
    self.beats = beats
  }
}
