/// How far a long task has come.
package struct TaskProgress: Sendable {
  /// The units of work done.
  package var completed: Int
  /// The units of work in all.
  package var total: Int
  /// What is being done now, in a few words.
  package var detail: String

  /// Creates a report of progress.
  package init(completed: Int, total: Int, detail: String = "") {
    self.completed = completed
    self.total = total
    self.detail = detail
  }
}

/// Receives a long task's progress; called from the task's own thread, in order.
package typealias ProgressHandler = (TaskProgress) -> Void
