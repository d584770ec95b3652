/// How far a long task has come.
public struct TaskProgress: Sendable {
  /// The units of work done.
  public var completed: Int
  /// The units of work in all.
  public var total: Int
  /// What is being done now, in a few words.
  public var detail: String

  /// Creates a report of progress.
  public init(completed: Int, total: Int, detail: String = "") {
    self.completed = completed
    self.total = total
    self.detail = detail
  }
}

/// Receives a long task's progress; called from the task's own thread, in order.
public typealias ProgressHandler = (TaskProgress) -> Void
