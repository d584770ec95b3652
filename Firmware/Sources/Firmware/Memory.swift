import Board

/// The board's memory, given out piece by piece; a new one begins anew.
struct Memory {
  private var next: UnsafeMutableRawPointer
  private var rest: Int

  init() {
    next = UnsafeMutableRawPointer(board_memory())
    rest = board_memory_byte_count()
  }

  /// Some bytes at a multiple of 16; fewer than asked for where there are no more, which the engines refuse.
  mutating func take(_ byteCount: Int) -> UnsafeMutableRawBufferPointer {
    let taken = min(byteCount, rest)
    let buffer = UnsafeMutableRawBufferPointer(start: next, count: taken)
    let step = min((taken &+ 15) / 16 &* 16, rest)
    next += step
    rest &-= step
    return buffer
  }
}
