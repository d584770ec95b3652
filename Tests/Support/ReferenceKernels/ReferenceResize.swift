/// RESIZE_BILINEAR of `[batch, height, width, channel]` int8 codes.
public func referenceBilinearResize(
  _ input: [Int], shape: [Int], height: Int, width: Int, heightScaleQ10: Int, widthScaleQ10: Int,
  hasHalfPixelCenters: Bool
) -> [Int] {
  func neighbours(_ output: Int, _ scaleQ10: Int, _ count: Int) -> [(place: Int, weightQ10: Int)] {
    let place = output * scaleQ10 + (hasHalfPixelCenters ? scaleQ10 / 2 - 512 : 0)
    let before = max(place / 1024, 0)
    let behind = min((place + 1023) / 1024, count - 1)
    return [(before, 1024 - (place - 1024 * before)), (behind, place - 1024 * before)]
  }
  return allIndices(of: [shape[0], height, width, shape[3]]).map { index in
    var sum = 0
    for row in neighbours(index[1], heightScaleQ10, shape[1]) {
      for column in neighbours(index[2], widthScaleQ10, shape[2]) {
        let code = input[offset([index[0], row.place, column.place, index[3]], in: shape)]
        sum += code * row.weightQ10 * column.weightQ10
      }
    }
    return (sum + (sum > 0 ? 1 << 19 : -(1 << 19))) / (1 << 20)
  }
}
