import Foundation

/// A spectrogram or another image `[time, frequency]`, with its axes and a colour bar.
///
/// Both ramps are even steps of lightness in Oklab, so that they read the same in grey and to every eye.
/// Where there are more columns than a page has room for, each stretch shows its strongest value.
package struct Heatmap: Component {
  /// How values become colours.
  package enum Ramp: Sendable {
    /// From light for the range's lower end to dark for its upper end.
    case sequential
    /// From white for the range's middle to dark for its ends: blue for the lower, orange for the upper.
    case diverging
  }

  /// What the image shows, in a few words.
  package var title: String
  /// What else there is to say.
  package var explanation: String
  /// The values `[time, frequency]`, the lowest frequency first; grey where one is not a number.
  package var values: [Double]
  /// The number of frequency bins.
  package var binCount: Int
  /// Where the first column starts, in seconds.
  package var startSeconds: Double
  /// The distance between columns, in seconds.
  package var secondsPerColumn: Double
  /// The lowest bin's frequency, in hertz.
  package var firstBinHz: Double
  /// The distance between bins, in hertz.
  package var hertzPerBin: Double
  /// The values that the ramp's ends stand for; values beyond are shown as the ends.
  package var range: ClosedRange<Double>
  /// The values' unit.
  package var unit: String
  /// How values become colours.
  package var ramp: Ramp
  /// The image's height, in px.
  package var height: Int

  /// Creates a heat map.
  package init(
    title: String, explanation: String = "", values: [Double], binCount: Int, startSeconds: Double = 0,
    secondsPerColumn: Double, firstBinHz: Double, hertzPerBin: Double, range: ClosedRange<Double>,
    unit: String,
    ramp: Ramp = .sequential, height: Int = 144
  ) {
    self.title = title
    self.explanation = explanation
    self.values = values
    self.binCount = binCount
    self.startSeconds = startSeconds
    self.secondsPerColumn = secondsPerColumn
    self.firstBinHz = firstBinHz
    self.hertzPerBin = hertzPerBin
    self.range = range
    self.unit = unit
    self.ramp = ramp
    self.height = height
  }

  /// The heat map's markup.
  package func render() -> String {
    precondition(binCount > 0 && values.count % binCount == 0, "an image is columns of binCount values")
    let columns = values.count / binCount
    let lowestHz = firstBinHz - hertzPerBin / 2
    let plot = Plot(
      horizontal: Axis(
        startSeconds, startSeconds + Double(columns) * secondsPerColumn, tickCount: 8, isRounded: false),
      vertical: Axis(
        lowestHz, lowestHz + Double(binCount) * hertzPerBin, tickCount: max(2, height / 28), isRounded: false),
      horizontalUnit: "time (s)", verticalUnit: "frequency (Hz)", height: height, hasGrid: false)
    let bar = PalettePNG(width: 255, palette: palette, pixels: Array(1...255))
    return """
      <figure>
      \(figureCaption(title, explanation))
      <div class="legend"><span>\(limit(range.lowerBound)) <svg role="img" aria-label="colour bar" \
      style="width:140px;margin:0 4px">\(image(bar))<rect class="axis" width="100%" height="100%"/></svg> \
      \(limit(range.upperBound)) \(escaped(unit))</span></div>
      \(plot.render(label: title, columns == 0 ? "" : image(picture(columns))))
      </figure>
      """
  }

  private func limit(_ value: Double) -> String {
    coordinate(value).replacing("-", with: "−")
  }

  private func image(_ png: PalettePNG) -> String {
    "<image width=\"100%\" height=\"100%\" preserveAspectRatio=\"none\" style=\"image-rendering:pixelated\" "
      + "href=\"\(png.dataAddress)\"/>"
  }

  private func picture(_ columns: Int) -> PalettePNG {
    let width = min(columns, 1000)
    var pixels: [UInt8] = []
    for bin in (0..<binCount).reversed() {
      for pixel in 0..<width {
        let stretch = columns * pixel / width..<columns * (pixel + 1) / width
        pixels.append(code(strongest(stretch.map { values[$0 * binCount + bin] })))
      }
    }
    return PalettePNG(width: width, palette: palette, pixels: pixels)
  }

  /// The value farthest from the ramp's light end.
  private func strongest(_ values: [Double]) -> Double {
    let light = ramp == .sequential ? range.lowerBound : (range.lowerBound + range.upperBound) / 2
    return values.reduce(values[0]) { strongest, value in
      if strongest.isNaN || value.isNaN { return .nan }
      return (ramp == .sequential ? value > strongest : abs(value - light) > abs(strongest - light))
        ? value : strongest
    }
  }

  /// A value's place in the palette: 1 to 255, and 0 for what is not a number.
  private func code(_ value: Double) -> UInt8 {
    guard !value.isNaN, range.upperBound > range.lowerBound else { return 0 }
    let fraction = (value - range.lowerBound) / (range.upperBound - range.lowerBound)
    return UInt8((1 + 254 * min(max(fraction, 0), 1)).rounded())
  }

  private var palette: [(UInt8, UInt8, UInt8)] {
    [(176, 176, 176)]
      + (0..<255).map { index in
        let fraction = Double(index) / 254
        switch ramp {
        case .sequential:
          return oklch(
            lightness: 0.975 - 0.745 * fraction, chroma: 0.02 + 0.065 * sin(.pi * fraction),
            hueDegrees: 100 + 175 * fraction)
        case .diverging:
          let distance = 2 * fraction - 1
          return oklch(
            lightness: 0.985 - 0.6 * abs(distance), chroma: 0.15 * abs(distance).squareRoot(),
            hueDegrees: distance < 0 ? 255 : 45)
        }
      }
  }
}

/// An sRGB colour from Oklab's cylindrical coordinates.
///
/// - SeeAlso: B. Ottosson, A perceptual color space for image processing, 2020.
private func oklch(lightness: Double, chroma: Double, hueDegrees: Double) -> (UInt8, UInt8, UInt8) {
  let a = chroma * cos(hueDegrees * .pi / 180)
  let b = chroma * sin(hueDegrees * .pi / 180)
  let l = pow(lightness + 0.3963377774 * a + 0.2158037573 * b, 3)
  let m = pow(lightness - 0.1055613458 * a - 0.0638541728 * b, 3)
  let s = pow(lightness - 0.0894841775 * a - 1.2914855480 * b, 3)
  func byte(_ linear: Double) -> UInt8 {
    let value = linear <= 0.0031308 ? 12.92 * linear : 1.055 * pow(linear, 1 / 2.4) - 0.055
    return UInt8((255 * min(max(value, 0), 1)).rounded())
  }
  return (
    byte(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    byte(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    byte(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s)
  )
}
