import Foundation
import QuantInfer
import Support

extension FloatNetwork {
  /// What an image says of the border, so that values can be given in the network's own layout.
  package var provenance: Provenance {
    func text(_ ports: [Port]) -> String {
      ports.map { port in
        port.shape.map(String.init).joined(separator: "x") + ":"
          + port.memoryOrder.map(String.init).joined(separator: ",")
      }.joined(separator: ";")
    }
    return [.inputLayout: text(inputs), .outputLayout: text(outputs)]
  }
}

extension LoadedModel {
  /// An input's or output's layout in the network that the image was made from; nil where it is the image's own.
  package func sourcePort(_ index: Int, isInput: Bool) -> FloatNetwork.Port? {
    let texts = provenance[isInput ? .inputLayout : .outputLayout]?.split(separator: ";") ?? []
    guard texts.indices.contains(index) else { return nil }
    let parts = texts[index].split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2 else { return nil }
    let shape = parts[0].split(separator: "x").compactMap { Int($0) }
    let order = parts[1].split(separator: ",").compactMap { Int($0) }
    let tensor = model.tensor((isInput ? model.inputPort(index) : model.outputPort(index)).tensorIndex)
    // What an image says needn't be so.
    guard shape.allSatisfy({ $0 > 0 && $0 <= tensor.count }), shape.count <= 16,
      shape.reduce(1, { min($0 * $1, tensor.count + 1) }) == tensor.count,
      order.sorted() == shape.indices.filter({ shape[$0] != 1 })
    else { return nil }
    return FloatNetwork.Port(name: "", shape: shape, memoryOrder: order)
  }
}

extension Provenance {
  /// The model file that an image was made from: its name, its checksum and this program's version.
  ///
  /// - Throws: `FileError` where it can't be read.
  package init(source file: String) throws(FileError) {
    let checksum = try Files.read(file).withUnsafeBytes { CRC32.checksum($0) }
    self = [
      .source: URL(fileURLWithPath: file).lastPathComponent.onOneLine,
      .sourceChecksum: String(format: "%08x (CRC-32)", checksum), .exporter: Release.version,
    ]
  }
}
