import Support

/// A long task's progress over parts of different length.
final class Steps {
  private let handler: ProgressHandler
  private let total: Double
  private(set) var done = 0.0

  init(_ handler: @escaping ProgressHandler, total: Double) {
    (self.handler, self.total) = (handler, total)
  }

  /// Tells how many units are done.
  func at(_ units: Double, _ detail: String) {
    done = max(done, min(units, total))
    handler(TaskProgress(completed: Int(done * 100), total: Int(total * 100), detail: detail))
  }
}
