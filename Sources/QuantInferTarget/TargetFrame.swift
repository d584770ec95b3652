import QuantInfer

/// What goes over the wire between a host and a board: frames, the host's answered each by the board's.
///
/// A frame is the byte `Q`, its kind, the payload's length in 16 bits, the payload, and a CRC-32 of kind, length and
/// payload; numbers are little-endian. See docs/reference/Protocol.md.
public enum TargetFrame {
  /// The protocol's version, which both sides must have.
  public static var version: UInt16 { 4 }
  /// The byte that begins a frame.
  public static var start: UInt8 { 0x51 }
  /// The bytes of kind and length.
  public static var headerByteCount: Int { 3 }
  /// The bytes of the checksum.
  public static var checksumByteCount: Int { 4 }

  /// What the host asks for.
  public enum Request {
    /// Who is there? The payload is empty; the answer is `Answer.board`.
    public static var hello: UInt8 { 0x48 }  // H
    /// An image of so many bytes comes: `UInt32`.
    public static var image: UInt8 { 0x49 }  // I
    /// A patch of so many bytes comes, behind the image that came before: `UInt32`.
    public static var patch: UInt8 { 0x58 }  // X
    /// A piece of what was announced last: its offset, `UInt32`, and the bytes.
    public static var piece: UInt8 { 0x44 }  // D
    /// Start a monitor: `Source`, `UInt8`, 1 for the image with the patch, `UInt8`, then `Monitor.Options.encoded`,
    /// `Int32` each.
    public static var begin: UInt8 { 0x53 }  // S
    /// Frames, a sample of each of the image's leads, with the beats that are named when the last of them has come.
    ///
    /// The beats' number, `UInt8`, how many frames ago each was, `UInt32`, and the samples, `Int16` each, frame by frame. The
    /// answers are a `decision` each, then `pushed`.
    public static var samples: UInt8 { 0x50 }  // P
    /// Take frames from the board's own source.
    ///
    /// How many, `UInt16`, of at most `Acquired.greatestSampleCount` samples, and 1 where the source begins anew, `UInt8`.
    /// The answers are a `decision` each, then `acquired`.
    public static var acquire: UInt8 { 0x41 }  // A
    /// Save the state, overwrite all of it, and go on from what was saved.
    public static var save: UInt8 { 0x56 }  // V
    /// The state, from a byte on: that, and how many, `UInt32` each; the answer is `state`.
    public static var state: UInt8 { 0x54 }  // T
  }

  /// What the board answers.
  public enum Answer {
    /// The answer to `hello`; see `Board`.
    public static var board: UInt8 { 0x68 }  // h
    /// Done; the payload is empty.
    public static var done: UInt8 { 0x6B }  // k
    /// A monitor runs: the image's CRC-32, the state's size and the stack's greatest so far, `UInt32` each.
    public static var begun: UInt8 { 0x73 }  // s
    /// A decision; see `Decision`.
    public static var decision: UInt8 { 0x72 }  // r
    /// All samples of a request are in; see `Pushed`.
    public static var pushed: UInt8 { 0x70 }  // p
    /// The frames that the board's own source gave, fewer than were asked for where it ended; see `Acquired`.
    public static var acquired: UInt8 { 0x61 }  // a
    /// The state was saved and restored: the CRC-32 of the saved copy, `UInt32`.
    public static var saved: UInt8 { 0x76 }  // v
    /// The CRC-32 of the whole state, `UInt32`, and the bytes that were asked for, as many as fit.
    public static var state: UInt8 { 0x74 }  // t
    /// The request can't be met: `Refusal`, `UInt8`, and two details, `UInt32` each.
    public static var refusal: UInt8 { 0x65 }  // e
    /// The processor met a fault: the address where, `UInt32`; nothing more comes.
    public static var fault: UInt8 { 0x46 }  // F
  }

  /// Where the image is.
  public enum Source: UInt8, Sendable {
    /// In the board's flash, as it was built.
    case flash
    /// In its memory, where `image` and `piece` put it.
    case memory
  }

  /// Why a board can't do what it is asked.
  public enum Refusal: UInt8, Sendable {
    /// A frame came whose checksum is wrong.
    case checksum = 1
    /// A frame came that is longer than the board takes: the details are its length and the longest.
    case length
    /// No such request, or not now.
    case request
    /// Too little memory: the details are the bytes that are needed and those that are there.
    case memory
    /// The image isn't valid: the details are `ModelError.Kind` and the byte.
    case image
    /// The monitor can't run this image with these options.
    case options
    /// The saved state was not taken.
    case savedState
    /// The firmware was built without patches.
    case patchesNotBuilt
    /// The patch isn't whole, or not this image's.
    case patch
    /// The board has no samples of its own for this model's rate and leads.
    case noSource
  }

  /// The payload of `Answer.board`: offsets of `UInt32`, but for the first two of `UInt16`; then the board's name.
  public enum Board {
    /// `UInt16`, the protocol's version.
    public static var version: Int { 0 }
    /// `UInt16`, the longest payload that the board takes.
    public static var longestPayload: Int { 2 }
    /// The memory for image, state and the rest, in bytes.
    public static var memoryByteCount: Int { 4 }
    /// The size of the image in flash; 0 where there is none.
    public static var flashByteCount: Int { 8 }
    /// That image's CRC-32, as `Model.imageChecksum`.
    public static var flashChecksum: Int { 12 }
    /// What the counter counts a second; 0 where it counts the processor's cycles and nobody told their rate.
    public static var ticksPerSecond: Int { 16 }
    /// What counts, `Counter`.
    public static var counter: Int { 20 }
    /// The name: the rest of the payload, UTF-8.
    public static var name: Int { 24 }
  }

  /// What counts a board's ticks.
  public enum Counter: UInt32, Sendable {
    /// Nothing.
    case none
    /// The core's cycle counter: DWT of an ARM core, `mcycle` of a RISC-V core.
    case cycles
    /// ARM's SysTick at the processor's clock.
    case sysTick
  }

  /// The payload of `Answer.decision`: offsets.
  public enum Decision {
    /// `UInt16`, the frame of the request after which it came.
    public static var sample: Int { 0 }
    /// `UInt8`, 1 where the network decided.
    public static var hasLogits: Int { 2 }
    /// `UInt8`, 0 for a result, 255 for sleep, or the reason why there is no result.
    public static var reason: Int { 3 }
    /// `Int32`, how many frames ago the beat was; -1 where the clock struck.
    public static var beatAge: Int { 4 }
    /// `Int16`, the class of a result.
    public static var classIndex: Int { 8 }
    /// `Int16`, its margin in codes.
    public static var marginCodes: Int { 10 }
    /// `UInt32`, the ticks that it took.
    public static var ticks: Int { 12 }
    /// The logits, a byte each.
    public static var logits: Int { 16 }
    /// The reason of sleep.
    public static var asleep: UInt8 { 255 }
  }

  /// The payload of `Answer.pushed`: offsets of `UInt32`.
  public enum Pushed {
    /// The columns that ended.
    public static var columns: Int { 0 }
    /// The CRC-32 of their codes, one after the other; asleep, that of old ones.
    public static var checksum: Int { 4 }
    /// The ticks of frames without a column, all together.
    public static var sampleTicks: Int { 8 }
    /// The ticks of frames with a column.
    public static var columnTicks: Int { 12 }
    /// The most ticks of one frame.
    public static var worstTicks: Int { 16 }
    /// The most that the stack ever took, in bytes.
    public static var stackByteCount: Int { 20 }
    /// The payload's size.
    public static var byteCount: Int { 24 }
  }

  /// The payload of `Answer.acquired`: that of `Answer.pushed`, and what follows it.
  public enum Acquired {
    /// `UInt32`, the frames of the source that were lost so far, as they came faster than they were taken.
    public static var lostFrames: Int { Pushed.byteCount }
    /// The frames, `Int16` a sample of each of the image's leads, frame by frame: the rest of the payload.
    public static var samples: Int { Pushed.byteCount + 4 }
    /// The most samples of one request.
    public static var greatestSampleCount: Int { 32 }
  }
}

/// What a board's firmware has to give: the wire, and a counter.
public protocol TargetPort {
  /// The next byte from the host; waits for it. Nil where the wire is closed, which a board's never is.
  mutating func receive() -> UInt8?
  /// Sends a byte to the host.
  mutating func send(_ byte: UInt8)
  /// What the counter counts.
  var counter: TargetFrame.Counter { get }
  /// How much it counts a second; 0 where that isn't known.
  var ticksPerSecond: UInt32 { get }
  /// The counter, counting up; it wraps after `tickMask`.
  func ticks() -> UInt32
  /// The bits that the counter has.
  var tickMask: UInt32 { get }
  /// The most that the stack ever took, in bytes; 0 where that isn't known.
  var stackByteCount: Int { get }
  /// The board's name, in UTF-8; it stays where it is.
  var name: UnsafeRawBufferPointer { get }

  /// Starts the board's own source of samples from its beginning, with frames of so many leads at a rate; false where it
  /// has none of these.
  mutating func startSource(sampleRateMillihertz: UInt32, leadCount: Int) -> Bool
  /// Waits for the source's next frame: counts as the model takes them, a sample of each lead; false at its end.
  mutating func nextFrame(_ frame: inout InlineArray<4, Int16>) -> Bool
  /// The frames that were lost since the source began, as they came faster than they were taken.
  var lostFrameCount: UInt32 { get }
}

/// A board without samples of its own.
extension TargetPort {
  /// No source.
  public mutating func startSource(sampleRateMillihertz: UInt32, leadCount: Int) -> Bool { false }
  /// No frame.
  public mutating func nextFrame(_ frame: inout InlineArray<4, Int16>) -> Bool { false }
  /// None.
  public var lostFrameCount: UInt32 { 0 }
}
