import ECG
import Support

/// A lead of a record, or several that are sampled together, at the front end's rate, with its labelled beats, or the labelled windows of a task by the clock.
package struct LabelledSignal: Sendable {
  /// One beat, or one window, and its class.
  package struct Beat: Equatable, Sendable {
    /// The beat's place in the signal, or the window's last sample.
    package var sample: Int
    /// The class's place in the task's list.
    package var classIndex: Int

    /// Creates a beat.
    package init(sample: Int, classIndex: Int) {
      self.sample = sample
      self.classIndex = classIndex
    }
  }

  /// A stretch of the signal that is of one label.
  package struct Stretch: Equatable, Sendable {
    /// The stretch, in samples.
    package var samples: Range<Int>
    /// The class's place in the task's list; nil for what is skipped.
    package var classIndex: Int?
    /// The label: a rhythm's name, say.
    package var label: String

    /// Creates a stretch.
    package init(samples: Range<Int>, classIndex: Int?, label: String) {
      (self.samples, self.classIndex, self.label) = (samples, classIndex, label)
    }
  }

  /// The record's name.
  package var record: String
  /// The patient's name.
  package var patient: String
  /// The lead's name.
  package var lead: String
  /// The samples at the front end's rate; of several leads those of the first.
  package var microvolts: [Float]
  /// Those of the further leads, as many.
  package var furtherLeads: [[Float]] = []
  /// The beats or windows, in order of time.
  package var beats: [Beat]
  /// The labelled stretches, in order of time and apart from each other; empty for a task of beats.
  package var stretches: [Stretch] = []
  /// Whether some of the record's beats are paced.
  package var isPaced = false
  /// What was assumed of the record and its annotations, and what about them isn't plausible.
  package var notes: [FileNote] = []

  /// Creates a signal.
  package init(
    record: String, lead: String, microvolts: [Float], beats: [Beat], patient: String? = nil
  ) {
    self.record = record
    self.patient = patient ?? MITBIH.patient(of: record)
    self.lead = lead
    self.microvolts = microvolts
    self.beats = beats
  }

  /// Each lead as a signal of its own, by its name.
  package var singleLeads: [LabelledSignal] {
    let names = lead.components(separatedBy: ", ")
    return ([microvolts] + furtherLeads).enumerated().map { index, microvolts in
      var single = self
      (single.microvolts, single.furtherLeads) = (microvolts, [])
      single.lead = names.count == 1 + furtherLeads.count ? names[index] : "\(index + 1)"
      return single
    }
  }

  /// The same signal with each lead's samples changed.
  package func withLeads(_ change: ([Float]) -> [Float]) -> LabelledSignal {
    var signal = self
    (signal.microvolts, signal.furtherLeads) = (change(microvolts), furtherLeads.map(change))
    return signal
  }
}
