#if !QUANTINFER_SELECTED || QUANTINFER_PATCH
  extension Monitor {
    /// Goes on with another patch of its image, or with none: with the same state, as no part of it depends on a patch.
    ///
    /// - Parameter other: The image's model, as shipped or with a patch whose constants outlive the monitor.
    /// - Returns: Whether it is the same image; otherwise nothing is changed.
    public mutating func change(to other: Model) -> Bool {
      guard other.isSameImage(as: model) else { return false }
      pipeline.change(to: other)
      model = other
      return true
    }
  }

  extension Model {
    /// The model without its patch.
    public var shipped: Model {
      var model = self
      model.patch = nil
      return model
    }

    /// Whether one operator's constants lie elsewhere than in the image.
    public var isPatched: Bool { patch != nil }

    /// Whether a patch's constants lie in some memory.
    public func isPatched(from memory: UnsafeMutableRawBufferPointer) -> Bool {
      guard let patch, let start = memory.baseAddress else { return false }
      let place = unsafe UInt(bitPattern: patch.biases) &- UInt(bitPattern: start)
      return place < UInt(bitPattern: memory.count)
    }

    /// Whether it views the same image at the same place.
    func isSameImage(as other: Model) -> Bool {
      unsafe image.base == other.image.base && byteCount == other.byteCount && network == other.network
    }
  }
#endif
