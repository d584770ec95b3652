import CKernels

/// The Fourier transform of real samples in block floating point: `Int16` mantissas with one exponent.
///
/// A transform of N real samples is a complex one of N / 2, radix 2, in place, followed by a split into the bins
/// that are wanted. Before each stage the block is scaled down by just as many bits as its largest value needs to
/// stay in 16 bits, and each result is rounded once; so a quiet signal keeps the resolution of a loud one.
/// The numbers stand for `mantissa * 2^exponent`.
enum RealFFT {
  /// Whether a stage is done by the DSP extension's instructions: the same bits.
  private static var hasStages: Bool {
    qi_best_instruction_set() == qi_dsp || qi_best_instruction_set() == qi_mve
  }

  /// Transforms N / 2 complex numbers in place.
  ///
  /// - Parameters:
  ///   - data: `complexCount` pairs (real, imaginary), in bit-reversed order.
  ///   - complexCount: N / 2, a power of two.
  ///   - twiddlesQ14: `complexCount` pairs: cosine and sine of `2 pi k / N`.
  ///   - largest: The largest magnitude in `data`; on return in the transform.
  /// - Returns: By how much the exponent grew.
  /// - Complexity: O(N log N).
  static func transform(
    _ data: UnsafeMutablePointer<Int16>, complexCount: Int, twiddlesQ14: UnsafePointer<Int16>,
    largest: inout Int32
  ) -> Int32 {
    var growth: Int32 = 0
    var half = 1
    while half < complexCount {
      let shift = headroomShift(largest)
      largest =
        hasStages
        ? unsafe qi_fft_stage_dsp(data, complexCount, half, twiddlesQ14, shift)
        : unsafe stage(data, complexCount: complexCount, half: half, twiddlesQ14: twiddlesQ14, shift: shift)
      growth &+= shift
      half &<<= 1
    }
    return growth
  }

  /// One stage: butterflies of pairs `half` apart.
  ///
  /// Returns the largest magnitude that it wrote.
  private static func stage(
    _ data: UnsafeMutablePointer<Int16>, complexCount: Int, half: Int,
    twiddlesQ14: UnsafePointer<Int16>, shift: Int32
  ) -> Int32 {
    let downShift = 14 &+ shift
    let rounding: Int32 = 1 &<< (downShift &- 1)
    // The twiddles are those of N = 2 * complexCount, so this stage takes every (N / (2 half))-th.
    let twiddleStep = complexCount / half
    var largest: Int32 = 0
    for offset in 0..<half {
      let cosine = unsafe Int32(twiddlesQ14[2 &* offset &* twiddleStep])
      let sine = unsafe Int32(twiddlesQ14[2 &* offset &* twiddleStep &+ 1])
      var first = offset
      while first < complexCount {
        let second = first &+ half
        let upperReal = unsafe (Int32(data[2 &* first]) &<< 14) &+ rounding
        let upperImaginary = unsafe (Int32(data[2 &* first &+ 1]) &<< 14) &+ rounding
        let lowerReal = unsafe Int32(data[2 &* second])
        let lowerImaginary = unsafe Int32(data[2 &* second &+ 1])
        // The lower number times cosine - i sine.
        let rotatedReal = lowerReal &* cosine &+ lowerImaginary &* sine
        let rotatedImaginary = lowerImaginary &* cosine &- lowerReal &* sine
        let sumReal = (upperReal &+ rotatedReal) &>> downShift
        let sumImaginary = (upperImaginary &+ rotatedImaginary) &>> downShift
        let differenceReal = (upperReal &- rotatedReal) &>> downShift
        let differenceImaginary = (upperImaginary &- rotatedImaginary) &>> downShift
        unsafe data[2 &* first] = Int16(truncatingIfNeeded: sumReal)
        unsafe data[2 &* first &+ 1] = Int16(truncatingIfNeeded: sumImaginary)
        unsafe data[2 &* second] = Int16(truncatingIfNeeded: differenceReal)
        unsafe data[2 &* second &+ 1] = Int16(truncatingIfNeeded: differenceImaginary)
        largest = max(
          max(largest, max(abs(sumReal), abs(sumImaginary))),
          max(abs(differenceReal), abs(differenceImaginary)))
        first = second &+ half
      }
    }
    return largest
  }

  /// Splits the transform of N / 2 complex numbers into bins of the N real ones.
  ///
  /// - Parameters:
  ///   - data: The complex transform, `complexCount` pairs in natural order.
  ///   - complexCount: N / 2.
  ///   - twiddlesQ14: As in `transform`.
  ///   - bins: The bins wanted, within `0 ... complexCount`.
  ///   - shift: The bits to scale down by: `headroomShift` of the largest magnitude in `data`.
  ///   - spectrum: Receives a pair (real, imaginary) for each bin, with 16 bits behind the point.
  static func split(
    _ data: UnsafePointer<Int16>, complexCount: Int, twiddlesQ14: UnsafePointer<Int16>,
    bins: Range<Int>, shift: Int32, into spectrum: UnsafeMutablePointer<Int32>
  ) {
    let mask = complexCount &- 1
    let downShift = 12 &+ shift
    let rounding: Int32 = 1 &<< (downShift &- 1)
    var place = 0
    for bin in bins {
      let direct = bin & mask
      let mirror = (complexCount &- bin) & mask
      let directReal = unsafe Int32(data[2 &* direct])
      let directImaginary = unsafe Int32(data[2 &* direct &+ 1])
      let mirrorReal = unsafe Int32(data[2 &* mirror])
      let mirrorImaginary = unsafe Int32(data[2 &* mirror &+ 1])
      // The transforms of the even samples (doubled) and of the odd ones (doubled, times i).
      let evenReal = directReal &+ mirrorReal
      let evenImaginary = directImaginary &- mirrorImaginary
      let oddReal = directReal &- mirrorReal
      let oddImaginary = directImaginary &+ mirrorImaginary
      let isNyquist = bin == complexCount
      let cosine: Int32 = unsafe isNyquist ? -16_384 : Int32(twiddlesQ14[2 &* bin])
      let sine: Int32 = unsafe isNyquist ? 0 : Int32(twiddlesQ14[2 &* bin &+ 1])
      // Halved, as the doubling is taken back here, where the sums of products would leave 32 bits.
      let rotatedReal = ((cosine &* oddImaginary) &>> 1) &- ((sine &* oddReal) &>> 1)
      let rotatedImaginary = ((cosine &* oddReal) &>> 1) &+ ((sine &* oddImaginary) &>> 1)
      let real = ((evenReal &<< 13) &+ rotatedReal &+ rounding) &>> downShift
      let imaginary = ((evenImaginary &<< 13) &- rotatedImaginary &+ rounding) &>> downShift
      // Below 2^17: two bits behind the point.
      unsafe spectrum[place] = real &<< 14
      unsafe spectrum[place &+ 1] = imaginary &<< 14
      place &+= 2
    }
  }

  /// The bits by which a block must be scaled down so that a butterfly, which can lengthen its largest
  /// component by 1 + sqrt(2), leaves it in 16 bits.
  @inline(__always)
  static func headroomShift(_ largest: Int32) -> Int32 {
    largest <= 13_570 ? 0 : (largest <= 27_140 ? 1 : 2)
  }
}
