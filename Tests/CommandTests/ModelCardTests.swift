import Foundation
import ModelFiles
import Networks
import Support
import Tasks
import Testing
import TestSupport

/// The cards of shipped models of windows beside their results.
@Suite struct ModelCardTests {
  @Test(arguments: ["af", "vtvf"]) func aCardHasItsResultsFigures(_ name: String) throws {
    let folder = ProjectFiles.path("Models/\(name)")
    let card = String(decoding: try Files.read(folder + "/README.md"), as: UTF8.self)
      .replacing("**", with: "")
    let results = try jsonObject(String(decoding: try Files.read(folder + "/results.json"), as: UTF8.self))
    let windows = try #require(results["windows"] as? [String: Any])
    func text(_ figure: Any?, places: Int, times factor: Double) throws -> String {
      let figure = try #require(figure as? [String: Any])
      let interval = try #require(figure["interval"] as? [String: Any])
      func decimal(_ value: Any?) throws -> String {
        Numbers.decimal(factor * (try #require(value as? Double)), places: places)
      }
      return "\(try decimal(figure["value"])) (\(try decimal(interval["lower"])) to "
        + "\(try decimal(interval["upper"])))"
    }
    for twin in ["float", "int8"] {
      let score = try #require((windows[twin] as? [[String: Any]])?.first)
      var found = [try text(score["area"], places: 4, times: 1)]
      for key in ["sensitivity", "specificity", "sensitivityAtSpecificity"] {
        found.append(try text(score[key], places: 2, times: 100))
      }
      for text in found { #expect(card.contains(text), "\(name) \(twin): \(text)") }
    }
  }

  @Test func theShippedAFIsOfTheBuiltInTaskAndMeetsItsAim() throws {
    let folder = ProjectFiles.path("Models/af")
    let model = try LoadedModel(file: folder + "/af.qinf")
    #expect(model.task == .af)
    let checkpoint = try Checkpoint.read(folder + "/af.safetensors")
    #expect(model.isTwin(of: checkpoint))
    let file = try NetworkSpecification(
      reading: folder + "/architecture.json", inputColumns: try #require(TaskDefinition.af.columnCount),
      inputChannels: 4, classCount: 2)
    #expect(checkpoint.specification == file)
    let results = try jsonObject(String(decoding: try Files.read(folder + "/results.json"), as: UTF8.self))
    #expect(results["task"] as? String == "af" && results["folds"] as? Int == 7)
    let int8 = try #require(((results["windows"] as? [String: Any])?["int8"] as? [[String: Any]])?.first)
    let area = try #require(int8["area"] as? [String: Any])
    #expect(try #require(area["value"] as? Double) >= 0.95 && area["interval"] != nil)
    #expect(int8["windows"] as? Int == 674 && int8["patients"] as? Int == 47)
  }
}
