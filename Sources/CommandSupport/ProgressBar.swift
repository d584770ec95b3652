import Foundation
import Support

/// A long task's progress on standard error.
///
/// On a terminal it is one line, redrawn in place at most ten times a second:
///
///     Streaming mitdb-208    [#####-----]  50 %  12 s left
///
/// elsewhere a line every ten per cent, though at most one a second, and one at the end.
package final class ProgressBar {
  private let title: String
  private let isInteractive: Bool
  private let columns: () -> Int
  private let clock: () -> Double
  private let write: (String) -> Void
  private let start: Double
  private var lastDrawn = -Double.infinity
  private var lastTenth = -1
  private var isLineOpen = false

  /// Creates the bar of a task that starts now.
  package convenience init(_ title: String) {
    self.init(
      title, isInteractive: Terminal.error.isInteractive, columns: { Terminal.error.columns },
      clock: { ProcessInfo.processInfo.systemUptime }, write: Terminal.error.write)
  }

  /// Creates a bar from its surroundings.
  ///
  /// - Parameters:
  ///   - title: What the task does.
  ///   - isInteractive: Whether to redraw one line.
  ///   - columns: The width of that line.
  ///   - clock: The time in seconds, from any start.
  ///   - write: Receives the text.
  package init(
    _ title: String, isInteractive: Bool, columns: @escaping () -> Int, clock: @escaping () -> Double,
    write: @escaping (String) -> Void
  ) {
    self.title = title
    self.isInteractive = isInteractive
    self.columns = columns
    self.clock = clock
    self.write = write
    start = clock()
    if !isInteractive { lastDrawn = start }
  }

  /// Shows how far the task has come.
  package func update(_ progress: TaskProgress) {
    guard progress.total > 0 else { return }
    let fraction = min(max(Double(progress.completed) / Double(progress.total), 0), 1)
    let now = clock()
    let status = status(fraction: fraction, elapsed: now - start, detail: progress.detail)
    if isInteractive {
      guard fraction == 1 || now - lastDrawn >= 0.1 else { return }
      lastDrawn = now
      draw(bar(fraction: fraction) + status)
    } else if Int(fraction * 10) != lastTenth && (fraction == 1 || now - lastDrawn >= 1) {
      lastTenth = Int(fraction * 10)
      lastDrawn = now
      write("\(title): \(status.drop { $0 == " " })\n")
    }
  }

  /// Ends the bar's line, so that what follows starts on its own.
  package func finish() {
    if isLineOpen { write("\n") }
    isLineOpen = false
  }

  private func draw(_ status: String) {
    // A line as wide as the terminal would wrap and could not be redrawn; the title gives way.
    let room = max(columns() - 1, 0)
    let text = "\(title.prefix(max(room - status.count - 4, 0)))    \(status)".prefix(room)
    write("\r\u{1B}[K\(text)")
    isLineOpen = true
  }

  private func bar(fraction: Double) -> String {
    let filled = Int(fraction * 10)
    return "[" + String(repeating: "#", count: filled) + String(repeating: "-", count: 10 - filled) + "] "
  }

  private func status(fraction: Double, elapsed: Double, detail: String) -> String {
    let percent = String(Int(fraction * 100))
    let padding = String(repeating: " ", count: 3 - percent.count)
    let isEstimable = fraction == 1 || fraction > 0 && elapsed >= 1
    let left = isEstimable ? elapsed * (1 - fraction) / fraction : .nan
    let time = left.isNaN ? "" : "  \(Numbers.duration(seconds: left)) left"
    return "\(padding)\(percent) %\(time)" + (detail.isEmpty ? "" : "  \(detail)")
  }
}
