import ECG
import Support

/// What a task takes of a manifest: the records that it names, each in the part that it names it for.
extension TaskManifest {
  /// The records of a task, in the manifest's order.
  ///
  /// - Throws: `FileError`, malformed, where the task names a record that has no row, or one patient in two parts.
  package func records(of task: TaskDefinition) throws(FileError) -> [TaskRecord] {
    var taken = records
    if let names = task.recordNames {
      try requireRows(of: names, task, key: "records")
      taken = taken.filter { $0.isAmong(names) }
    }
    guard case .records(let training, let validation, let test) = task.division else { return taken }
    var parts: [String: TaskPart] = [:]
    for (part, names) in [(TaskPart.training, training), (.validation, validation), (.test, test)] {
      try requireRows(of: names, task, key: "split.\(part.rawValue)")
      for index in taken.indices where taken[index].isAmong(names) {
        let patient = taken[index].patient
        if let other = parts[patient], other != part {
          throw .malformed(
            "task \(task.name)", at: "split.\(part.rawValue)",
            "has \(taken[index].name), whose patient \(patient) is in \(other.rawValue) too",
            remedy: "keep a patient's records on one side")
        }
        (taken[index].part, parts[patient]) = (part, part)
      }
    }
    return taken
  }

  private func requireRows(of names: [String], _ task: TaskDefinition, key: String) throws(FileError) {
    guard let missing = names.first(where: { name in !records.contains { $0.isAmong([name]) } }) else {
      return
    }
    throw .malformed(
      "task \(task.name)", at: key, "names \(missing), which has no row in \(file)",
      remedy: "add a row for it, or leave it out")
  }
}

extension TaskRecord {
  /// Whether names have the record's, with its folder or without.
  fileprivate func isAmong(_ names: [String]) -> Bool {
    names.contains(name) || names.contains(RecordPath.name(of: name))
  }
}
