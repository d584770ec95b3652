import Drawing
import Foundation
import Support
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

@Suite struct PageTests {
  @Test func pageIsWellFormed() throws {
    let page = samplePage().render()
    // QUANTINFER_SAMPLE_PAGE names a file to write the page to, for the eye.
    if let path = ProcessInfo.processInfo.environment["QUANTINFER_SAMPLE_PAGE"] {
      try Files.write(page, to: path)
    }
    let parser = XMLParser(data: Data(page.utf8))
    #expect(parser.parse(), "\(String(describing: parser.parserError)) in line \(parser.lineNumber)")
  }

  @Test func pageNeedsNothingElse() {
    let page = samplePage().render()
    for loaded in ["<script", "<link", "src=", "@import", "url(", "href=\"http", "href=\"/"] {
      #expect(!page.contains(loaded))
    }
  }

  @Test func everyTextIsEscaped() {
    let hostile = "<b>\"&'\u{1}]]>"
    let components: [any Component] = [
      Paragraph(hostile), Facts([(hostile, hostile)]),
      Table(
        caption: hostile, columns: [.text(hostile), .number(hostile)], rows: [["\(hostile)", "\(hostile)"]]),
      LineChart(
        title: hostile, explanation: hostile, series: [.init(hostile, [1, 2]), .init(hostile, [2, 1])],
        horizontalUnit: hostile, verticalUnit: hostile, events: [.init(at: 0.5, hostile)]),
      Heatmap(
        title: hostile, explanation: hostile, values: [1, 2], binCount: 2, secondsPerColumn: 1, firstBinHz: 4,
        hertzPerBin: 4, range: 0...2, unit: hostile),
      ECGStrip(
        title: hostile, explanation: hostile, millivolts: [0, 1], sampleRateHz: 2,
        decisions: [.init(timeSeconds: 0, float: hostile, fixed: hostile)],
        annotations: [.init(timeSeconds: 0, hostile)]),
      BarChart(title: hostile, explanation: hostile, bars: [.init(hostile, 1, text: hostile)]),
      ShareChart(title: hostile, explanation: hostile, shares: [hostile], bars: [.init(hostile, [1])]),
      MemoryChart(
        title: hostile, explanation: hostile,
        regions: [
          .init(
            hostile, byteCount: 2,
            parts: [.init(hostile, offset: 0, byteCount: 1), .init(hostile, offset: 1, byteCount: 1)])
        ]),
    ]
    let page = Page(
      title: hostile, subtitle: hostile, verdict: hostile, sections: [Section(hostile, components)],
      footer: hostile)
    let text = page.render()
    #expect(!text.contains("<b>\""))
    let parser = XMLParser(data: Data(text.utf8))
    #expect(parser.parse(), "\(String(describing: parser.parserError)) in line \(parser.lineNumber)")
  }

  @Test(arguments: [
    [], [Double.nan], [.infinity, 1], [5, 5, 5], [0], [1e300, -1e300], [.nan, 1, .nan, 2],
  ])
  func chartsTakeAnyNumbers(values: [Double]) {
    let components: [any Component] = [
      LineChart(title: "a", series: [.init("b", values)], horizontalUnit: "s", verticalUnit: "mV"),
      Heatmap(
        title: "a", values: values, binCount: 1, secondsPerColumn: 0.0625, firstBinHz: 4, hertzPerBin: 4,
        range: 0...1,
        unit: "dB"),
      ECGStrip(
        title: "a", millivolts: values.filter { abs($0) < 100 || $0.isNaN }, sampleRateHz: 360, decisions: []),
      BarChart(title: "a", bars: values.map { .init("b", $0, text: "c") }),
      BarChart(
        title: "a", bars: values.map { .init("b", $0, text: "c", interval: -1e300...1e300) }, fullScale: 1),
    ]
    for text in components.map({ $0.render() }) {
      #expect(!text.contains("nan") && !text.contains("inf\"") && !text.contains("n/a"))
      #expect(XMLParser(data: Data(text.utf8)).parse())
    }
  }
}

@Suite struct BarTests {
  /// The `x` and `width` of shapes in percent, in their order.
  private func extents(_ text: String, of shape: Regex<(Substring, Substring, Substring)>) -> [[Double]] {
    text.matches(of: shape).map { [Double($0.output.1) ?? -1, Double($0.output.2) ?? -1] }
  }

  @Test func memoryIsDrawnToOneScale() {
    let text = MemoryChart(
      title: "a",
      regions: [
        .init(
          "flash", byteCount: 4000,
          parts: [.init("code", offset: 0, byteCount: 1000), .init("weights", offset: 1000, byteCount: 3000)]),
        .init("RAM", byteCount: 1000, parts: [.init("state", offset: 0, byteCount: 1000)]),
      ]
    ).render()
    #expect(text.contains("max(100%,2px)") && text.contains("max(25%,2px)"))
    let boxes = extents(text, of: /<svg x="([0-9.]+)%" y="0%" width="([0-9.]+)%"/)
    #expect(boxes == [[0, 25], [25, 75], [0, 100]])
    #expect(text.contains(">2</text>") && text.contains("weights") && text.contains("3,000"))
  }

  /// A number needs a fortieth of the page's width, and is small below a twentieth; of a part in a region half as wide, twice that.
  @Test func narrowPartsHaveNoNumberAndSlimOnesASmallOne() {
    let parts = [(0, 860), (860, 51), (911, 49), (960, 26), (986, 14)].map {
      MemoryChart.Part("p", offset: $0.0, byteCount: $0.1)
    }
    let text = MemoryChart(
      title: "a",
      regions: [
        .init("flash", byteCount: 1000, parts: parts), .init("RAM", byteCount: 860, parts: [parts[0]]),
        .init(
          "arena", byteCount: 500,
          parts: [(0, 450), (450, 26), (476, 24)].map { .init("p", offset: $0.0, byteCount: $0.1) }),
      ]
    ).render()
    let numbers = text.matches(of: /<text( class="minor")? x="50%"[^>]*>([0-9]+)</)
    #expect(numbers.map { String($0.output.2) } == ["1", "2", "3", "4", "6", "7"])
    #expect(numbers.map { $0.output.1 != nil } == [false, false, true, true, false, true])
  }

  @Test func anArenasPartsMeetInTheStepThatReadsOneAndWritesTheNext() {
    let text = MemoryChart(
      title: "a",
      regions: [
        .init(
          "arena", byteCount: 10,
          parts: [
            .init("input", offset: 0, byteCount: 10, steps: -1...0),
            .init("output", offset: 0, byteCount: 10, steps: 0...1),
          ])
      ]
    ).render()
    let rows = extents(text, of: /y="([0-9.]+)%" width="100%" height="([0-9.]+)%"/)
    #expect(rows == [[0, 25], [25, 75]])
  }

  @Test func sharesFillTheBarInTheirOrder() {
    let text = ShareChart(
      title: "a", shares: ["found", "masked", "silent"], bars: [.init("weights", [1, 0, 3])]
    ).render()
    #expect(extents(text, of: /x="([0-9.]+)%" width="([0-9.]+)%" height/) == [[0, 25], [25, 75]])
    #expect(text.contains("aria-label=\"found 1, masked 0, silent 3\""))
  }

  /// W3C's relative luminance of a colour.
  private func luminance(_ color: Substring) -> Double {
    let value = Int(color, radix: 16) ?? 0
    let linear = [16, 8, 0].map { shift -> Double in
      let share = Double(value >> shift & 255) / 255
      return share <= 0.04045 ? share / 12.92 : pow((share + 0.055) / 1.055, 2.4)
    }
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
  }

  @Test func neighbouringSharesDifferInGrey() {
    let text = ShareChart(
      title: "a", shares: ["1", "2", "3", "4"], bars: [.init("b", [1, 1, 1, 1])]
    ).render()
    let fills = text.matches(of: /height="100%" fill="#([0-9A-F]{6})"/).suffix(4).map {
      luminance($0.output.1)
    }
    #expect(fills.count == 4)
    for first in fills.indices {
      for second in fills.indices where second > first {
        let (light, dark) = (max(fills[first], fills[second]), min(fills[first], fills[second]))
        #expect((light + 0.05) / (dark + 0.05) > 1.7, "\(first) beside \(second)")
      }
    }
  }

  @Test func whiskersReachOverTheIntervalOfAFullScale() {
    let text = BarChart(
      title: "a", bars: [.init("b", 20, text: "20 %", interval: 10...40)], fullScale: 100
    ).render()
    #expect(text.contains("<rect width=\"20%\""))
    #expect(text.contains("x1=\"10%\" x2=\"40%\""))
  }
}

@Suite struct PaperTests {
  @Test func longTablesMayGoOnOverPagesAndShortOnesMayNot() {
    func table(_ count: Int) -> String {
      Table(caption: "a", columns: [.text("b")], rows: (0..<count).map { ["\($0)"] }).render()
    }
    #expect(table(40).hasPrefix("<figure class=\"long\">") && table(5).hasPrefix("<figure>"))
    let page = samplePage().render()
    for rule in [
      "figure.long { break-inside: auto }", "h2, figcaption, .legend, thead { break-after: avoid }",
    ] {
      #expect(page.contains(rule))
    }
  }
}

@Suite struct LineChartTests {
  @Test func longSeriesKeepsItsExtremes() {
    var values = (0..<100_000).map { sin(Double($0) / 1000) }
    values[54_321] = 7
    values[65_432] = -9
    let text = LineChart(
      title: "a", series: [.init("b", values)], horizontalUnit: "s", verticalUnit: "mV", height: 90
    ).render()
    // The axis goes from -10 to 10 in steps of 5 or 10, so 7 is at 150 and -9 at 950 of 1,000.
    #expect(text.contains(" 150L") && text.contains(" 950L"))
    #expect(text.utf8.count < 40_000)
  }

  @Test func unevenPlacesAreKept() {
    let text = LineChart(
      title: "a", series: [.init("b", [0, 1, 0], at: [0, 6, 24])], horizontalUnit: "dB", verticalUnit: "%"
    ).render()
    // 6 of 24 is a quarter of 1,000.
    #expect(text.contains("L250 "))
  }

  @Test func whiskersEndWhereTheIntervalDoes() {
    var series = LineChart.Series("b", [0, 1])
    series.intervals = [nil, 0.25...0.75]
    let text = LineChart(title: "a", series: [series], horizontalUnit: "s", verticalUnit: "mV").render()
    // The axis goes from 0 to 1, downwards on the page.
    #expect(
      text.contains("<line class=\"whisker\" x1=\"100%\" x2=\"100%\" y1=\"75%\" y2=\"25%\"/>"))
    #expect(text.matches(of: /class="whisker"/).count == 1)
  }

  @Test func aReferenceIsDrawnAtItsHeight() {
    let text = ScatterChart(
      title: "a", points: [.init("b", group: "c", x: 0, y: 0), .init("d", group: "c", x: 1, y: 1)],
      horizontalUnit: "B", verticalUnit: "F1", reference: (0.75, "float")
    ).render()
    #expect(text.contains("<line class=\"axis\" x1=\"0\" x2=\"100%\" y1=\"25%\" y2=\"25%\""))
    #expect(text.contains("y=\"25%\" dy=\"-4\" text-anchor=\"end\">float<"))
  }

  /// By hand: from 0.05 to 0.5 the logarithm of 0.115 lies at 36.17 % of the way, and 0.1 at 30.1 %.
  @Test func aLimitIsDrawnAtItsLogarithm() {
    var chart = ScatterChart(
      title: "a", points: [.init("b", group: "c", x: 0.05, y: 0), .init("d", group: "c", x: 0.5, y: 1)],
      horizontalUnit: "uA", verticalUnit: "F1")
    (chart.limit, chart.isLogarithmic) = ((0.115, "budget"), true)
    let text = chart.render()
    #expect(text.contains("x1=\"36.17%\" x2=\"36.17%\"") && text.contains("text-anchor=\"start\">budget<"))
    let ticks = text.matches(of: /x="([0-9.]+)%" y="100%" dy="17" text-anchor="middle">([0-9.]+)</).map {
      "\($0.output.1) \($0.output.2)"
    }
    #expect(ticks == ["0 0.05", "30.1 0.1", "60.21 0.2", "100 0.5"])
    chart.isLogarithmic = false
    #expect(!chart.render().contains("36.17%"))
  }

  /// A tick at a chart's right end has half of its label beyond it, in digits of 7 px: of "1,490" in a chart, of "86400 s" in a
  /// strip, whose box cuts off what reaches beyond.
  @Test(arguments: [(".plot {", 35.0), (".strip {", 49)]) func theLastTicksLabelHasRoom(
    rule: String, label: Double
  ) throws {
    let page = Page(title: "a", verdict: "b", sections: []).render()
    let lines = page.split(separator: "\n").filter { $0.contains(rule) }
    let padding = try #require(lines.compactMap { $0.firstMatch(of: /padding: \d+(?:px)? (\d+)px/) }.first)
    #expect(try #require(Double(padding.output.1)) >= label / 2)
  }

  /// On paper a caption goes with what it is of, as a whole, and a long name breaks rather than widening the page.
  @Test func captionsStayWholeAndLongNamesBreak() {
    let page = Page(title: "a", verdict: "b", sections: []).render()
    let whole = page.split(separator: "\n").first { $0.contains("break-inside: avoid") }
    #expect(whole?.contains("figcaption") == true && page.contains("overflow-wrap: break-word"))
  }

  @Test func ticksAreRoundNumbers() {
    let text = LineChart(
      title: "a", series: [.init("b", [0, 0.93], step: 300)], horizontalUnit: "time (s)", verticalUnit: "mV",
      height: 225
    ).render()
    for tick in ["0.0", "0.2", "0.8", "1.0", "50", "250", "300"] { #expect(text.contains(">\(tick)</text>")) }
  }

  @Test func seriesDifferWithoutColour() {
    let series = (0..<6).map { LineChart.Series("\($0)", [Double]([0, 1])) }
    let text = LineChart(title: "a", series: series, horizontalUnit: "s", verticalUnit: "mV").render()
    let dashes = Set(text.matches(of: /stroke-dasharray="([^"]+)"/).map { String($0.output.1) })
    #expect(dashes.count == 5, "five dash patterns besides the unbroken line")
  }
}

@Suite struct ECGStripTests {
  private func strip(_ decisions: [ECGStrip.Decision]) -> String {
    ECGStrip(
      title: "a", millivolts: Array(repeating: 0, count: 3600), sampleRateHz: 360, decisions: decisions
    ).render()
  }

  @Test func onlyTwinsThatDifferAreFramed() {
    let equal = strip([
      .init(timeSeconds: 1, float: "N", fixed: "N"), .init(timeSeconds: 2, float: nil, fixed: "V"),
    ])
    let different = strip([.init(timeSeconds: 1, float: "N", fixed: "V")])
    #expect(!equal.contains("M-10 0.5H10V37"))
    #expect(different.contains("M-10 0.5H10V37"))
  }

  @Test func closeRepeatsAreWrittenOnce() {
    let text = strip((0..<100).map { .init(timeSeconds: 0.0625 * Double($0), float: "N", fixed: "N") })
    #expect(text.matches(of: />N<\/text>/).count == 2)
  }

  @Test func aFrameAtTheStartStaysClearOfTheRowsNames() throws {
    let text = strip([.init(timeSeconds: 0, float: "N", fixed: "V")])
    // Half the frame and its stroke.
    let reach = 11.0
    let names = text.matches(of: /<text class="unit" x="0" dx="-([0-9]+)"[^>]*>(float|fixed)</)
    #expect(names.count == 2)
    #expect(names.allSatisfy { Double($0.output.1) ?? 0 > reach })
    // The longest name, some 36 px wide, lies within the strip's padding.
    let padding = try #require(samplePage().render().firstMatch(of: /\.strip \{[^}]* ([0-9]+)px \}/))
    #expect(names.allSatisfy { (Double($0.output.1) ?? 0) + 36 <= Double(padding.output.1) ?? 0 })
  }

  @Test func momentsOutsideTheExcerptAreLeftOut() {
    let text = strip([
      .init(timeSeconds: -1, float: "Q", fixed: "Q"), .init(timeSeconds: 10, float: "Q", fixed: "Q"),
    ])
    #expect(!text.contains(">Q<"))
  }
}

@Suite struct HeatmapTests {
  /// The bytes of the last image in a markup.
  private func image(in markup: String) throws -> [UInt8] {
    let address = try #require(markup.matches(of: /base64,([A-Za-z0-9+\/=]+)/).last)
    return Array(try #require(Data(base64Encoded: String(address.output.1))))
  }

  /// Takes an image apart by RFC 2083, 1950 and 1951.
  @Test func imageIsTheValuesUpsideDown() throws {
    let heatmap = Heatmap(
      title: "a", values: [0, 1, .nan, 0.5, 1, 2], binCount: 2, secondsPerColumn: 1, firstBinHz: 1,
      hertzPerBin: 1,
      range: 0...1, unit: "dB")
    let file = try image(in: heatmap.render())
    var chunks: [String: [UInt8]] = [:]
    var position = 8
    while position < file.count {
      let length = file[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
      let type = String(decoding: file[position + 4..<position + 8], as: UTF8.self)
      chunks[type] = Array(file[position + 8..<position + 8 + length])
      position += 12 + length
    }
    #expect(position == file.count && Set(chunks.keys) == ["IHDR", "PLTE", "IDAT", "IEND"])
    #expect(chunks["IHDR"] == [0, 0, 0, 3, 0, 0, 0, 2, 8, 3, 0, 0, 0])
    // Zlib's header, one stored block of 8 bytes, then two rows, each led by filter 0: the higher bin first.
    #expect(chunks["IDAT"]?.prefix(7) == [0x78, 0x01, 1, 8, 0, 0xF7, 0xFF])
    #expect(chunks["IDAT"]?.dropFirst(7).prefix(8) == [0, 255, 128, 255, 0, 1, 0, 255])
    // The empty last chunk's check is the same in every PNG file.
    #expect(file.suffix(4) == [0xAE, 0x42, 0x60, 0x82])
  }

  @Test(arguments: [(Heatmap.Ramp.sequential, 0), (.diverging, 127)])
  func rampsDarkenSteadilyInGrey(ramp: Heatmap.Ramp, lightest: Int) throws {
    let heatmap = Heatmap(
      title: "a", values: [0], binCount: 1, secondsPerColumn: 1, firstBinHz: 1, hertzPerBin: 1, range: 0...1,
      unit: "dB", ramp: ramp)
    // Signature 8, header 25, the palette's length and type 8, and its first colour 3.
    let palette = try image(in: heatmap.render())[44..<44 + 255 * 3].map { Double($0) }
    let grey = (lightest..<255).map { index -> Double in
      let (red, green, blue) = (palette[3 * index], palette[3 * index + 1], palette[3 * index + 2])
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
    #expect(zip(grey, grey.dropFirst()).allSatisfy { $0 >= $1 - 0.5 })
    #expect(grey[0] > 235 && grey[grey.count - 1] < 110)
  }

  @Test func longImageKeepsItsStrongestValue() throws {
    var values = Array(repeating: 0.0, count: 12 * 4800)
    values[12 * 2345 + 6] = -1
    let text = Heatmap(
      title: "a", values: values, binCount: 12, secondsPerColumn: 0.0625, firstBinHz: 4, hertzPerBin: 4,
      range: -1...1, unit: "steps", ramp: .diverging
    ).render()
    // Signature 8, header 25, palette 12 + 256 * 3, then length and type 8, zlib's and the block's header 7.
    let pixels = try image(in: text)[(8 + 25 + 780 + 8 + 7)...].prefix(12 * 1001)
    #expect(pixels.count(where: { $0 == 1 }) == 1)
    #expect(text.utf8.count < 25_000)
  }

  /// Of several columns in a pixel one without a number leaves the pixel without one, whichever comes first.
  @Test(arguments: [0, 1]) func aColumnWithoutANumberIsNotHidden(place: Int) throws {
    let text = Heatmap(
      title: "a", values: (0..<2000).map { $0 % 2 == place ? .nan : 0.5 }, binCount: 1,
      secondsPerColumn: 0.0625, firstBinHz: 4, hertzPerBin: 4, range: 0...1, unit: "dB"
    ).render()
    let row = try image(in: text)[(8 + 25 + 780 + 8 + 7)...].prefix(1001)
    #expect(row.allSatisfy { $0 == 0 })
  }

  /// Of alternating values that of the darker shade stands, on both sides of the light one.
  @Test(arguments: [([0.5, -0.25], 192), ([-0.5, 0.25], 65)])
  func ofSeveralColumnsTheOneFarthestFromTheMiddleIsDrawn(values: [Double], code: Int) throws {
    let text = Heatmap(
      title: "a", values: (0..<4800).map { values[$0 % 2] }, binCount: 1, secondsPerColumn: 0.0625,
      firstBinHz: 4,
      hertzPerBin: 4, range: -1...1, unit: "steps", ramp: .diverging
    ).render()
    // As above; a row is led by filter 0. A code is 1 + 254 of the way from -1 to 1.
    let row = try image(in: text)[(8 + 25 + 780 + 8 + 7)...].prefix(900)
    #expect(row.first == 0 && row.dropFirst().allSatisfy { Int($0) == code })
  }
}
