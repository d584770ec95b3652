import Foundation
import Support
import Testing
import TestSupport

/// The commands of docs/guides/FloatNetworks.md, run as they stand there.
@Suite struct FloatNetworkGuideTests {
  private static let files = ProjectFiles.path("Tests/Oracle/beats") + "/"

  /// The commands of a section's blocks: lines, those that end in a backslash with the next one.
  private func commands(ofSection title: String) throws -> [[String]] {
    let text = String(
      decoding: try Files.read(ProjectFiles.path("docs/guides/FloatNetworks.md")), as: UTF8.self)
    let section = try #require(text.components(separatedBy: "\n## ").first { $0.hasPrefix(title + "\n") })
    return section.components(separatedBy: "```").enumerated().filter { $0.offset % 2 == 1 }
      .flatMap { $0.element.replacing("\\\n", with: " ").split(separator: "\n") }
      .map { $0.split(separator: " ").map(String.init) }
      .filter { ["exporter", "device-sim"].contains($0.first) }
  }

  /// A folder with the guide's files under the names that it has for them.
  private func folder() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    for name in ["beats.onnx", "beats.tflite", "beats.json", "x.npy", "y.npy"] {
      try folder.put(name, Files.read(Self.files + name))
    }
    for ending in [".hea", ".dat"] {
      try folder.put("mitdb-208" + ending, Files.read(ProjectFiles.record + ending))
    }
    return folder
  }

  @Test(arguments: ["From PyTorch to a verdict", "From Keras to a verdict"])
  func theGuidesCommandsRunAsTheyStand(section: String) throws {
    let folder = try folder()
    let commands = try commands(ofSection: section)
    #expect(commands.count == 4)
    for command in commands {
      let process = Command(command[0]).process(Array(command.dropFirst()))
      process.currentDirectoryURL = URL(filePath: folder(""))
      let (output, errors) = (Pipe(), Pipe())
      (process.standardOutput, process.standardError) = (output, errors)
      try process.run()
      let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      let problem = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      #expect(process.terminationStatus == 0, "\(command.joined(separator: " ")): \(problem)")
      #expect(!text.isEmpty)
      // The record went through both: what the twin says is there, and as good as the same.
      if command[1] == "stream" {
        let agreement = try #require(text.firstMatch(of: #/([0-9.]+) % the same class/#))
        #expect(Double(agreement.1) ?? 0 > 95)
      }
    }
    let page = String(decoding: try Files.read(folder("page.html")), as: UTF8.self)
    #expect(page.contains("<html") && page.contains("narrow"))
    let verdict = String(decoding: try Files.read(folder("verdict.html")), as: UTF8.self)
    #expect(verdict.contains("<html"))
  }
}
