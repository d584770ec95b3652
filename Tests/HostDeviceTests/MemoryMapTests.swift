import HostDevice
import ModelFiles
import QuantInfer
import Testing
import TestSupport

@Suite struct MemoryMapTests {
  @Test func thePartsOfImageAndStateMeetWithoutGaps() throws {
    let loaded = try LoadedModel(file: ProjectFiles.model)
    let options = Monitor.Options(.detectedBeats, of: loaded, converter: loaded.converter(bits: 12))
    let layout = try Monitor.StateLayout(loaded.model, options)
    let map = MemoryMap(loaded, layout)
    #expect(
      map.regions.map(\.name) == [
        "model image", "streaming state", "schedule of decisions", "beat detector", "signal watch",
        "announcer", "scratch", "arena",
      ])
    // All that the monitor keeps, byte by byte, as faults hit it.
    #expect(map.keptByteCount == (try Monitor.stateByteCount(model: loaded.model, options: options)))
    let parts = layout.parts(of: loaded.model, operatorNames: ["a", "b", "c", "d"])
    #expect(parts.reduce(0) { $0 == $1.offset ? $0 + $1.bytes : -1 } == map.keptByteCount)
    for region in map.regions where region.name != "arena" {
      var end = 0
      for part in region.parts {
        #expect(part.offset == end && part.bytes > 0, "\(region.name): \(part.name)")
        end += part.bytes
      }
      #expect(end == region.bytes, "\(region.name)")
    }
    let summary = ModelSummary(loaded)
    #expect(map.regions[0].bytes == summary.memory.modelBytes)
    #expect(map.regions[1].bytes == summary.memory.stateBytes)
    let rings = map.regions[1].parts.filter { $0.name.hasPrefix("columns of") }.map(\.bytes)
    #expect(rings == summary.operations.operators.compactMap(\.ringBytes))
  }

  /// Each byte lies in one part, its first and its last one too: a fault that hits it is counted there.
  @Test func everyByteOfTheImageLiesInItsOwnPart() throws {
    let loaded = try LoadedModel(file: ProjectFiles.model)
    let parts = MemoryMap(loaded, nil).regions[0].parts
    #expect(parts.count > 10)
    var offset = 0
    for (index, part) in parts.enumerated() {
      // Parts of one name count together, at the place of the first.
      let order = parts.firstIndex { $0.name == part.name }
      for byte in [offset, offset + part.bytes - 1] {
        let place = parts.place(ofByte: byte)
        #expect(place?.order == order && place?.name == part.name, "byte \(byte), part \(index)")
      }
      offset += part.bytes
    }
    #expect(offset == loaded.model.byteCount && parts.place(ofByte: offset) == nil)
  }

  @Test func aPipelineAloneKeepsNoMonitor() throws {
    let map = MemoryMap(try LoadedModel(file: ProjectFiles.model), nil)
    #expect(
      map.keptByteCount == map.regions[1].bytes && !map.regions.contains { $0.name == "beat detector" })
  }
}
