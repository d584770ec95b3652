import CFFTW3
import Foundation

/// A floating-point type that FFTW transforms: `Float` for training, `Double` as the reference.
package protocol FourierScalar: BinaryFloatingPoint, Sendable {
  /// The base-2 logarithm.
  static func log2(_ x: Self) -> Self
  /// Memory for `count` numbers, aligned for FFTW's SIMD; to be released by `releaseFourierMemory`.
  static func allocateFourierMemory(_ count: Int) -> UnsafeMutablePointer<Self>
  /// Releases the memory.
  static func releaseFourierMemory(_ memory: UnsafeMutablePointer<Self>)
  /// FFTW's plan of one real transform from `input` to `output` (real and imaginary parts in turn).
  static func makeFourierPlan(
    length: Int, input: UnsafeMutablePointer<Self>, output: UnsafeMutablePointer<Self>
  ) -> OpaquePointer
  /// Runs a plan.
  static func executeFourierPlan(_ plan: OpaquePointer)
  /// Releases a plan.
  static func destroyFourierPlan(_ plan: OpaquePointer)
}

/// One real Fourier transform with its buffers; its plan is made once, without measuring, so that the same
/// machine always computes the same bits.
final class FourierTransform<Scalar: FourierScalar> {
  /// The samples, `length` of them; the transform leaves them as they are.
  let input: UnsafeMutablePointer<Scalar>
  /// The bins `0...length / 2`, real and imaginary part in turn.
  let output: UnsafeMutablePointer<Scalar>
  private let plan: OpaquePointer

  init(length: Int) {
    input = Scalar.allocateFourierMemory(length)
    input.initialize(repeating: 0, count: length)
    output = Scalar.allocateFourierMemory(length + 2)
    output.initialize(repeating: 0, count: length + 2)
    plan = fourierPlanner.withLock { [input, output] in
      Scalar.makeFourierPlan(length: length, input: input, output: output)
    }
  }

  deinit {
    fourierPlanner.withLock { [plan] in Scalar.destroyFourierPlan(plan) }
    Scalar.releaseFourierMemory(input)
    Scalar.releaseFourierMemory(output)
  }

  func execute() {
    Scalar.executeFourierPlan(plan)
  }
}

/// FFTW's planner works for one thread at a time; running a plan needs no lock.
private let fourierPlanner = NSLock()

private let planFlags = UInt32(FFTW_ESTIMATE) | UInt32(FFTW_PRESERVE_INPUT)

extension Float: FourierScalar {
  /// The base-2 logarithm.
  package static func log2(_ x: Float) -> Float { Foundation.log2(x) }

  /// Memory for `count` numbers, aligned for FFTW's SIMD.
  package static func allocateFourierMemory(_ count: Int) -> UnsafeMutablePointer<Float> {
    fftwf_alloc_real(count)
  }

  /// Releases the memory.
  package static func releaseFourierMemory(_ memory: UnsafeMutablePointer<Float>) {
    fftwf_free(memory)
  }

  /// FFTW's plan of one real transform.
  package static func makeFourierPlan(
    length: Int, input: UnsafeMutablePointer<Float>, output: UnsafeMutablePointer<Float>
  ) -> OpaquePointer {
    output.withMemoryRebound(to: fftwf_complex.self, capacity: length / 2 + 1) {
      fftwf_plan_dft_r2c_1d(Int32(length), input, $0, planFlags)
    }
  }

  /// Runs a plan.
  package static func executeFourierPlan(_ plan: OpaquePointer) { fftwf_execute(plan) }

  /// Releases a plan.
  package static func destroyFourierPlan(_ plan: OpaquePointer) { fftwf_destroy_plan(plan) }
}

extension Double: FourierScalar {
  /// The base-2 logarithm.
  package static func log2(_ x: Double) -> Double { Foundation.log2(x) }

  /// Memory for `count` numbers, aligned for FFTW's SIMD.
  package static func allocateFourierMemory(_ count: Int) -> UnsafeMutablePointer<Double> {
    fftw_alloc_real(count)
  }

  /// Releases the memory.
  package static func releaseFourierMemory(_ memory: UnsafeMutablePointer<Double>) {
    fftw_free(memory)
  }

  /// FFTW's plan of one real transform.
  package static func makeFourierPlan(
    length: Int, input: UnsafeMutablePointer<Double>, output: UnsafeMutablePointer<Double>
  ) -> OpaquePointer {
    output.withMemoryRebound(to: fftw_complex.self, capacity: length / 2 + 1) {
      fftw_plan_dft_r2c_1d(Int32(length), input, $0, planFlags)
    }
  }

  /// Runs a plan.
  package static func executeFourierPlan(_ plan: OpaquePointer) { fftw_execute(plan) }

  /// Releases a plan.
  package static func destroyFourierPlan(_ plan: OpaquePointer) { fftw_destroy_plan(plan) }
}
