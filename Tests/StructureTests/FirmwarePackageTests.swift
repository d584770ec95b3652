import Foundation
import Testing
import TestSupport

/// What firmware engineers build from: the manifest without a network, and the toolsets.
@Suite struct FirmwarePackageTests {
  /// What a program printed.
  private func output(of command: [String], with environment: [String: String] = [:]) throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = command
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let output = Pipe()
    (process.standardOutput, process.standardError) = (output, FileHandle.nullDevice)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let printed = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(command)")
    return String(decoding: printed, as: UTF8.self)
  }

  /// A package as `swift package show-dependencies` tells it.
  private struct Dependency: Decodable {
    var name: String
    var dependencies: [Dependency]

    /// The names of all packages below this one.
    var below: [String] { dependencies.flatMap { [$0.name] + $0.below } }
  }

  @Test func theRuntimeAloneResolvesWithoutAPackageFromANetwork() throws {
    // In a folder of its own, so that it doesn't wait for the build that runs this test.
    let scratch = try TemporaryFolder()
    let printed = try output(
      of: [
        "swift", "package", "--package-path", ProjectFiles.path("Firmware"), "--scratch-path", scratch.path,
        "show-dependencies", "--format", "json",
      ], with: ["QUANTINFER_RUNTIME_ONLY": "1"])
    let root = try JSONDecoder().decode(Dependency.self, from: Data(printed.utf8))
    #expect(root.name == "Firmware" && root.dependencies.count == 1 && root.dependencies[0].below == [])
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.file("checkouts")) == [])
  }

  @Test func thereIsAToolsetForEachCoreAndABI() throws {
    let folder = try TemporaryFolder()
    let script = ProjectFiles.path("Firmware/toolsets.py")
    _ = try output(of: ["python3", script, "write", folder.path])
    let single = ["cortex-m0", "cortex-m0plus", "cortex-m3", "riscv32"]
    // Those with a unit for floating point.
    let several = ["cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55", "cortex-m85"]
    let names =
      single.flatMap { [$0, "\($0)-soft"] }
      + several.flatMap { [$0, "\($0)-soft", "\($0)-softfp", "\($0)-hard"] }
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        == names.map { "\($0).json" }.sorted())

    struct Toolset: Decodable {
      struct Tool: Decodable { var extraCLIOptions: [String] }
      var swiftCompiler: Tool
      var cCompiler: Tool
    }
    for name in several.map({ "\($0)-hard" }) {
      let toolset = try JSONDecoder().decode(
        Toolset.self, from: Data(contentsOf: URL(filePath: folder.file("\(name).json"))))
      for tool in [toolset.swiftCompiler, toolset.cCompiler] {
        #expect(tool.extraCLIOptions.contains("-mfloat-abi=hard"), "\(name)")
        #expect(tool.extraCLIOptions.contains("-mcpu=\(name.dropLast(5))"), "\(name)")
        // As GCC's bare-metal compilers have it; its linker compares.
        #expect(tool.extraCLIOptions.contains("-fshort-enums"), "\(name)")
      }
    }
  }
  @Test func makeHandsTheCallersModelOn() throws {
    // A variable of this name in the Makefile would take the place of `MODEL=mine.qinf make package`.
    let makefile = try String(contentsOfFile: ProjectFiles.path("Makefile"), encoding: .utf8)
    #expect(makefile.contains("MODEL=mine.qinf"))
    #expect(!makefile.contains(/(?m)^(MODEL|RECORD) *[:?]?=/))
  }

  @Test func theZephyrModuleAndCMakesPackageKnowEveryCore() throws {
    // Read as text: neither Zephyr nor CMake need be here. `make package-test` runs them.
    func text(_ name: String) throws -> String {
      try String(contentsOfFile: ProjectFiles.path("Firmware/Package/\(name)"), encoding: .utf8)
    }
    let listed = try output(of: ["python3", ProjectFiles.path("Firmware/toolsets.py"), "list"])
    let cores = Set(listed.split(separator: "\n").map { String($0.split(separator: " ")[1]) })
    let module = try text("zephyr/CMakeLists.txt")
    let loop = try #require(module.firstMatch(of: /foreach\(core (.*)\)/))
    #expect(
      Set(loop.output.1.split(separator: " ").map { "cortex-\($0.lowercased())" })
        == cores.filter { $0.hasPrefix("cortex-") })
    #expect(module.contains("quantinfer_core riscv32") && cores.contains("riscv32"))
    // What Zephyr looks for in a module, and what both take from the package.
    #expect(try text("zephyr/module.yml").contains("cmake: zephyr\n  kconfig: zephyr/Kconfig"))
    #expect(try text("zephyr/Kconfig").contains("\nconfig QUANTINFER\n\tbool "))
    for file in ["zephyr/CMakeLists.txt", "cmake/QuantInferConfig.cmake"] {
      #expect(try text(file).contains("/lib/${") && text(file).contains("/libquantinfer.a\""), "\(file)")
    }
  }
}
