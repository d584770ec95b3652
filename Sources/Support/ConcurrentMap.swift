import Dispatch
import Foundation

extension Array where Element: Sendable {
  /// Transforms all elements on some threads, and throws what a plain `map` would have thrown.
  package func concurrentMap<Result: Sendable, Failure: Error>(
    threads: Int, progress: @escaping ProgressHandler,
    _ transform: @Sendable (Element) throws(Failure) -> Result
  ) throws(Failure) -> [Result] {
    let work = Work<Result, Failure>(count: count, progress: progress)
    DispatchQueue.concurrentPerform(iterations: Swift.min(threads, count)) { _ in
      while let index = work.next() {
        do throws(Failure) {
          work.finish(index, .success(try transform(self[index])))
        } catch {
          work.finish(index, .failure(error))
        }
      }
    }
    var results: [Result] = []
    for result in work.results {
      if let result { results.append(try result.get()) }
    }
    return results
  }
}

/// The elements' results while threads work on them, one element a thread at a time and in order.
private final class Work<Success: Sendable, Failure: Error>: @unchecked Sendable {
  private(set) var results: [Result<Success, Failure>?]
  private let lock = NSLock()
  private let progress: ProgressHandler
  private var started = 0
  private var finished = 0

  init(count: Int, progress: @escaping ProgressHandler) {
    results = Array(repeating: nil, count: count)
    self.progress = progress
  }

  /// The next element to work on; nil once all are taken.
  func next() -> Int? {
    lock.withLock {
      guard started < results.count else { return nil }
      started += 1
      return started - 1
    }
  }

  func finish(_ index: Int, _ result: Result<Success, Failure>) {
    lock.withLock {
      results[index] = result
      finished += 1
      progress(TaskProgress(completed: finished, total: results.count))
    }
  }
}
