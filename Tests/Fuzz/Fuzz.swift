import Foundation
import FuzzLoaders

/// libFuzzer's own loop, which `-sanitize=fuzzer` links.
///
/// SwiftPM gives the linker `main` under another name, so that libFuzzer's `main` is never reached; this program is its
/// `main`, and calls it.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ argumentCount: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
  _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// Looks for bytes that a loader doesn't survive: `LOADER=csv Fuzz [libFuzzer's options] CORPUS`.
@main struct Fuzz {
  private static let loader: Loader = {
    let name = ProcessInfo.processInfo.environment["LOADER"] ?? ""
    guard let loader = Loader(rawValue: name) else {
      print("error: LOADER: names none of \(Loader.allCases.map(\.rawValue).joined(separator: ", "))")
      exit(64)
    }
    return loader
  }()

  static func main() {
    var count = CommandLine.argc
    var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
    _ = loader
    exit(
      runDriver(&count, &arguments) { start, count in
        Fuzz.loader.load(Array(UnsafeBufferPointer(start: start, count: count)))
        return 0
      })
  }
}
