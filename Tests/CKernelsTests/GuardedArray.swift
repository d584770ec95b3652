import CKernels
import Foundation

/// The end of an array that touches an inaccessible page.
enum GuardedEnd: CaseIterable {
  case start, end
}

/// A copy of an array that lies against an inaccessible page, so that a read or write beyond it ends the program.
final class GuardedArray<Element: BitwiseCopyable> {
  let pointer: UnsafeMutablePointer<Element>
  private let count: Int
  private let pages: UnsafeMutableRawPointer
  private let byteCount: Int

  init(_ elements: [Element], guarding end: GuardedEnd) {
    let page = Int(getpagesize())
    let size = elements.count * MemoryLayout<Element>.stride
    let accessible = max((size + page - 1) / page, 1) * page
    count = elements.count
    byteCount = accessible + 2 * page
    guard let pages = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0),
      pages != MAP_FAILED, mprotect(pages, page, PROT_NONE) == 0,
      mprotect(pages + page + accessible, page, PROT_NONE) == 0
    else { fatalError("cannot map \(byteCount) bytes") }
    self.pages = pages
    pointer = (pages + page + (end == .start ? 0 : accessible - size)).bindMemory(
      to: Element.self, capacity: count)
    pointer.initialize(from: elements, count: count)
  }

  deinit {
    munmap(pages, byteCount)
  }

  var array: [Element] { Array(UnsafeBufferPointer(start: pointer, count: count)) }
}

/// A requantization's arrays between inaccessible pages.
final class GuardedRequantization {
  private let biases: GuardedArray<Int32>
  private let multipliers: GuardedArray<Int32>
  private let shifts: GuardedArray<Int8>
  private let zeroPoint: Int32
  private let minimum: Int32
  private let maximum: Int32

  init(_ requantization: Requantization, guarding end: GuardedEnd) {
    biases = GuardedArray(requantization.biases, guarding: end)
    multipliers = GuardedArray(requantization.multipliers, guarding: end)
    shifts = GuardedArray(requantization.shifts.map { Int8($0) }, guarding: end)
    zeroPoint = requantization.zeroPoint
    minimum = requantization.minimum
    maximum = requantization.maximum
  }

  /// Valid as long as this object is.
  var pointers: qi_requantization {
    qi_requantization(
      biases: biases.pointer, multipliers: multipliers.pointer, shifts: shifts.pointer,
      zeroPoint: zeroPoint, minimum: minimum, maximum: maximum)
  }
}
