/// The runtime's code in flash, in bytes, with and without a core's DSP instructions and long multiplications.
///
/// `make code-sizes` measured it, in a program in C that streams, saves and restores.
package struct CodeBytes: Encodable, Equatable, Sendable {
  /// On a Cortex-M4.
  package var cortexM4: Int
  /// On a Cortex-M0.
  package var cortexM0: Int

  /// The code of a build with conditions such as `QUANTINFER_CONVOLUTION`, each counted once; see `Model.buildConditions`.
  package init(conditions: some Sequence<String>) {
    let names = Set(conditions).map { $0.replacing(/^QUANTINFER_/, with: "") }
    let products = names.filter(Self.products.contains).sorted().joined(separator: " ")
    self.init(sizesOf: [products] + names.filter { !Self.products.contains($0) })
  }

  /// The operators with weights, which share code.
  private static let products = ["CONVOLUTION", "DEPTHWISE", "FULLY_CONNECTED"]

  private init(sizesOf keys: [String]) {
    cortexM4 = keys.reduce(0) { $0 + (CodeSizes.cortexM4[$1] ?? 0) }
    cortexM0 = keys.reduce(0) { $0 + (CodeSizes.cortexM0[$1] ?? 0) }
  }

  /// What `Monitor` adds: detector of beats, watch over the signal, policy, sleep.
  package static var monitor: CodeBytes { CodeBytes(sizesOf: ["MONITOR"]) }
}
