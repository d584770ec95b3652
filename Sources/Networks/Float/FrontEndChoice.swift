/// What a network looks at.
package enum FrontEndChoice: String, CaseIterable, Codable, LosslessStringConvertible, Sendable {
  /// Columns of the task's front end.
  case columns
  /// Each beat.
  case beats
  /// Columns, and each beat by a network beside.
  case both

  /// The choice of a name; nil for none.
  package init?(_ description: String) { self.init(rawValue: description) }

  /// The choice's name.
  package var description: String { rawValue }
}
