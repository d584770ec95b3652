import HostDevice
import ModelFiles
import Testing
import TestSupport

@Suite struct MemoryMapTests {
  @Test func thePartsOfImageAndStateMeetWithoutGaps() throws {
    let loaded = try LoadedModel(file: ProjectFiles.model)
    let map = MemoryMap(loaded, findsBeats: true)
    #expect(
      map.regions.map(\.name) == ["model image", "streaming state", "beat detector", "scratch", "arena"])
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

  @Test func withoutTheDetectorThereIsNoneInTheMap() throws {
    let map = MemoryMap(try LoadedModel(file: ProjectFiles.model), findsBeats: false)
    #expect(!map.regions.contains { $0.name == "beat detector" })
  }
}
