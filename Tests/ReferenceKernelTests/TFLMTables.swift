import Foundation

/// The logistic function's upper half in Q16 at arguments of 24ths, as TensorFlow Lite Micro tabulates it.
///
/// Every value is moved by half of what the straight line to the next one misses at its middle; the last value
/// is 65535.
let logisticTableQ16: [Int] = {
  func logistic(_ step: Double) -> Double { 0x1p16 / (1 + exp(-step / 24)) }
  return (0..<255).map { index in
    let step = Double(index)
    let error = (logistic(step) + logistic(step + 1)) / 2 - logistic(step + 0.5)
    return Int((logistic(step) - error / 2).rounded())
  } + [65535]
}()

/// A function in Q15 at 513 arguments, as TensorFlow Lite Micro's LUTPopulate tabulates it in 32-bit floats.
///
/// Every value is moved by half of what the straight line to the next one misses at its middle.
func interpolationTable(of function: (Float) -> Float, from first: Float, to last: Float) -> [Int] {
  let inputScale = (last - first) / 65535
  let lowest = first == 0 ? 0 : -65535 * inputScale
  let highest = first == 0 ? 65535 * inputScale : 0
  let step = (highest - lowest) / 512
  let outputScale: Float = 2 / 65535
  let inverse: Float = 65536 / (32767 * outputScale + 32768 * outputScale)
  let values = (0..<512).map { index in
    let position = lowest + Float(index) * step
    let value = (function(position) * inverse).rounded()
    let next = function(lowest + Float(index + 1) * step) * inverse
    let error = ((next + value) / 2).rounded() - (function(position + step / 2) * inverse).rounded()
    return value - (error / 2).rounded()
  }
  return (values + [(function(highest) * inverse).rounded()]).map { Int(min(max($0, -32768), 32767)) }
}
