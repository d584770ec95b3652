import CQuantInfer

/// A structure of the header that begins with its size.
protocol SizedStructure {
  init()
  var byte_count: UInt32 { get set }
}

extension SizedStructure {
  /// All zeros but the size.
  static var empty: Self {
    var structure = Self()
    structure.byte_count = UInt32(MemoryLayout<Self>.size)
    return structure
  }
}

extension quantinfer_info: SizedStructure {}
extension quantinfer_needs: SizedStructure {}
extension quantinfer_options: SizedStructure {}
extension quantinfer_decision: SizedStructure {}
extension quantinfer_report: SizedStructure {}
extension quantinfer_patch_slots: SizedStructure {}
extension quantinfer_progress: SizedStructure {}
extension quantinfer_tensor: SizedStructure {}
