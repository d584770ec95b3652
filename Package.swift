// swift-tools-version: 6.2
import PackageDescription

/// The runtime is built with every use of unsafe memory marked, and unmarked ones are errors.
let runtimeSettings: [SwiftSetting] = [
  .strictMemorySafety(),
  .treatWarning("StrictMemorySafety", as: .error),
]

let package = Package(
  name: "QuantInfer",
  platforms: [.macOS(.v26)],
  products: [
    .library(name: "QuantInfer", targets: ["QuantInfer"]),
    .library(name: "QuantInferTarget", targets: ["QuantInferTarget"]),
    .library(name: "quantinfer-c", type: .static, targets: ["QuantInferC", "QuantInferDeviceC"]),
    .executable(name: "exporter", targets: ["Exporter"]),
    .executable(name: "device-sim", targets: ["DeviceSim"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/swhitty/FlyingFox", from: "0.27.1"),
  ],
  targets: [
    // The runtime: nothing from outside, no heap; also compiles as Embedded Swift (see Firmware/).
    // CKernels has its inner loops in the vector instructions of 64-bit x86 and ARM; elsewhere it is empty.
    .target(name: "CKernels"),
    .target(name: "QuantInfer", dependencies: ["CKernels"], swiftSettings: runtimeSettings),

    // A board's side of the wire that `device-sim stream --target` talks over.
    .target(name: "QuantInferTarget", dependencies: ["QuantInfer"]),

    // The runtime's C interface, for firmware in C.
    .target(name: "CQuantInfer"),
    .target(
      name: "QuantInferC", dependencies: ["CQuantInfer", "QuantInfer"], swiftSettings: runtimeSettings),
    // All of it but the pipeline: by itself, so that a program with the pipeline alone has the code of one.
    .target(
      name: "QuantInferDeviceC", dependencies: ["CQuantInfer", "QuantInfer", "QuantInferC"],
      swiftSettings: runtimeSettings),

    // The host's libraries, in the order in which data flows through them.
    .systemLibrary(
      name: "CCrypto", pkgConfig: "libcrypto",
      providers: [.apt(["libssl-dev"]), .brew(["openssl"])]),
    .target(name: "Support", dependencies: ["CCrypto"]),
    .target(name: "ECG", dependencies: ["Support"]),
    .target(name: "PhysioNet", dependencies: ["Support"]),
    .target(name: "Tasks", dependencies: ["ECG", "Support"]),
    .systemLibrary(
      name: "CFFTW3", pkgConfig: "fftw3",
      providers: [.apt(["libfftw3-dev"]), .brew(["fftw"])]),
    .target(name: "Networks", dependencies: ["CFFTW3", "QuantInfer", "Support", "Tasks"]),
    .target(name: "Training", dependencies: ["Networks", "Support", "Tasks"]),
    .target(name: "Quantization", dependencies: ["Networks", "QuantInfer", "Support", "Tasks", "Training"]),
    .target(name: "ModelFiles", dependencies: ["Networks", "QuantInfer", "Support", "Tasks"]),
    .target(
      name: "HostDevice", dependencies: ["ModelFiles", "Networks", "QuantInfer", "Support", "Tasks"],
      // In the code, so that an installed command has them without a folder beside it.
      resources: [
        "reference", "pacemaker", "crt-d", "leadless", "stm32u385", "nrf54l15", "programmer",
      ].map { .embedInCode("Profiles/\($0).json") }),
    .target(name: "Metrics", dependencies: ["ECG", "Support"]),
    .target(
      name: "Evaluation",
      dependencies: [
        "ECG", "HostDevice", "Metrics", "ModelFiles", "Networks", "QuantInfer", "Quantization", "Support",
        "Tasks", "Training",
      ]),
    .target(
      name: "Cohort",
      dependencies: [
        "ECG", "HostDevice", "Metrics", "ModelFiles", "Networks", "Quantization", "Support", "Tasks",
        "Training",
      ]),
    .target(
      name: "Simulation",
      dependencies: [
        "ECG", "Evaluation", "HostDevice", "Metrics", "ModelFiles", "Networks", "QuantInfer",
        "QuantInferTarget", "Support",
        "Tasks",
      ]),
    .target(name: "Drawing", dependencies: ["Support"]),
    .target(
      name: "Reports",
      dependencies: [
        "Cohort", "Drawing", "ECG", "Evaluation", "HostDevice", "Metrics", "ModelFiles", "Networks",
        "QuantInfer", "Simulation", "Support", "Tasks",
      ]),

    // A run that a browser watches.
    .target(
      name: "Live",
      dependencies: [
        "Drawing", .product(name: "FlyingFox", package: "FlyingFox"), "HostDevice", "ModelFiles",
        "Simulation",
        "Support",
      ]),

    // The commands: arguments, one library call a subcommand.
    .target(
      name: "CommandSupport",
      dependencies: [.product(name: "ArgumentParser", package: "swift-argument-parser"), "ECG", "Support"]),
    .executableTarget(
      name: "Exporter",
      dependencies: [
        .product(name: "ArgumentParser", package: "swift-argument-parser"), "Cohort", "CommandSupport", "ECG",
        "Evaluation", "HostDevice", "Metrics", "ModelFiles", "Networks", "PhysioNet", "QuantInfer",
        "Quantization", "Reports", "Support", "Tasks", "Training",
      ]),
    .executableTarget(
      name: "DeviceSim",
      dependencies: [
        .product(name: "ArgumentParser", package: "swift-argument-parser"), "CommandSupport", "ECG",
        "HostDevice", "Live",
        "QuantInfer", "Reports", "Simulation", "Support",
      ]),

    // Times models beside LiteRT and training beside PyTorch; see the Makefile.
    .executableTarget(
      name: "Benchmark",
      dependencies: [
        "ECG", "Metrics", "ModelFiles", "Networks", "QuantInfer", "Support", "Tasks", "Training",
      ], path: "Benchmarks",
      exclude: ["litert.py", "pytorch.py"]),

    // Tests: one folder a module, and what they share.
    .target(name: "TestSupport", dependencies: ["Support"], path: "Tests/Support/TestSupport"),
    .target(
      name: "TestNetworks",
      dependencies: ["ModelFiles", "Networks", "QuantInfer", "ReferenceKernels", "Support", "TestSupport"],
      path: "Tests/Support/TestNetworks"),
    .target(name: "ReferenceKernels", path: "Tests/Support/ReferenceKernels"),
    .target(name: "ConformanceCases", dependencies: ["QuantInfer"], path: "Tests/Support/ConformanceCases"),
    .target(name: "AllocationCounter", path: "Tests/Support/AllocationCounter"),
    .target(
      name: "FuzzLoaders",
      dependencies: ["ECG", "HostDevice", "ModelFiles", "Networks", "QuantInfer", "Support", "Tasks"],
      path: "Tests/Support/FuzzLoaders"),
    .testTarget(name: "CKernelsTests", dependencies: ["CKernels", "Support"]),
    .testTarget(
      name: "CohortTests",
      dependencies: [
        "Cohort", "ECG", "HostDevice", "Metrics", "ModelFiles", "Networks", "PhysioNet", "Reports", "Support",
        "Tasks", "TestSupport",
      ]),
    .testTarget(
      name: "CommandTests",
      dependencies: [
        "ECG", "Evaluation", "HostDevice", "Metrics", "ModelFiles", "Networks", "QuantInfer", "Reports",
        "Support", "Tasks", "TestNetworks", "TestSupport",
      ],
      // They run the commands: compiling these tests with care would take longer than they run.
      swiftSettings: [.unsafeFlags(["-Onone"])]),
    .testTarget(name: "DrawingTests", dependencies: ["Drawing", "QuantInfer", "Support"]),
    .testTarget(name: "ECGTests", dependencies: ["ECG", "PhysioNet", "Support", "TestSupport"]),
    .testTarget(
      name: "EvaluationTests",
      dependencies: [
        "ECG", "Evaluation", "HostDevice", "ModelFiles", "Networks", "QuantInfer", "Quantization", "Support",
        "Tasks", "TestNetworks", "TestSupport", "Training",
      ]),
    .testTarget(name: "FuzzTests", dependencies: ["FuzzLoaders", "Support", "TestSupport"]),
    .testTarget(
      name: "HostDeviceTests",
      dependencies: [
        "ECG", "HostDevice", "ModelFiles", "Networks", "QuantInfer", "Simulation", "Support", "Tasks",
        "TestSupport",
      ]),
    .testTarget(name: "LiveTests", dependencies: ["HostDevice", "Live", "Simulation", "TestSupport"]),
    .testTarget(
      name: "MetricsTests", dependencies: ["ECG", "Evaluation", "Metrics", "Support", "TestSupport"]),
    .testTarget(
      name: "ModelFilesTests",
      dependencies: [
        "HostDevice", "ModelFiles", "Networks", "QuantInfer", "Support", "Tasks", "TestNetworks",
        "TestSupport",
      ]),
    .testTarget(
      name: "NetworksTests", dependencies: ["Networks", "QuantInfer", "Support", "Tasks", "Training"]),
    .testTarget(
      name: "QuantInferCTests",
      dependencies: [
        "CQuantInfer", "ECG", "HostDevice", "ModelFiles", "Networks", "QuantInfer", "QuantInferC",
        "QuantInferDeviceC", "Support", "Tasks", "TestNetworks", "TestSupport",
      ]),
    .testTarget(
      name: "QuantInferTests",
      dependencies: [
        "AllocationCounter", "ConformanceCases", "ECG", "HostDevice", "Metrics", "ModelFiles", "Networks",
        "QuantInfer", "ReferenceKernels", "Simulation", "Support", "Tasks", "TestNetworks", "TestSupport",
      ]),
    .testTarget(
      name: "QuantizationTests",
      dependencies: [
        "Evaluation", "HostDevice", "ModelFiles", "Networks", "QuantInfer", "Quantization", "Support",
        "Tasks",
        "TestNetworks", "TestSupport", "Training",
      ]),
    .testTarget(
      name: "ReferenceKernelTests",
      dependencies: ["ConformanceCases", "QuantInfer", "ReferenceKernels", "TestSupport"]),
    .testTarget(
      name: "ReportsTests",
      dependencies: [
        "ECG", "HostDevice", "Reports", "Simulation", "Support", "TestSupport",
      ]),
    .testTarget(
      name: "SimulationTests",
      dependencies: [
        "AllocationCounter", "ECG", "HostDevice", "ModelFiles", "Networks", "QuantInfer", "QuantInferTarget",
        "Simulation", "Support", "Tasks", "TestSupport",
      ]),
    .testTarget(name: "StructureTests", dependencies: ["QuantInfer", "TestSupport"]),
    .testTarget(
      name: "SupportTests",
      dependencies: [
        .product(name: "ArgumentParser", package: "swift-argument-parser"), "CommandSupport", "Support",
        "TestSupport",
      ]),
    .testTarget(name: "TasksTests", dependencies: ["ECG", "Support", "Tasks", "TestSupport"]),
    .testTarget(
      name: "TrainingTests", dependencies: ["ECG", "Networks", "Support", "Tasks", "TestSupport", "Training"]),
  ],
  swiftLanguageModes: [.v6]
)

// What firmware links needs nothing from outside, and resolves without a network: with QUANTINFER_RUNTIME_ONLY in the
// environment the package is its libraries, which are the runtime, its C interface and a board's side of the wire.
if Context.environment["QUANTINFER_RUNTIME_ONLY"] != nil {
  package.dependencies = []
  package.products.removeAll { !($0 is Product.Library) }
  var needed = package.products.compactMap { $0 as? Product.Library }.flatMap(\.targets)
  var runtime: Set<String> = []
  while let name = needed.popLast() {
    guard runtime.insert(name).inserted else { continue }
    let target = package.targets.first { $0.name == name }
    for case .byNameItem(let name, _) in target?.dependencies ?? [] { needed.append(name) }
  }
  package.targets.removeAll { !runtime.contains($0.name) }
}

// `make fuzz` links libFuzzer, which a build without its sanitizer lacks. LLVM's linker: gold breaks off at ASan's symbols.
if Context.environment["QUANTINFER_FUZZ"] != nil {
  package.targets.append(
    .executableTarget(
      name: "Fuzz", dependencies: ["FuzzLoaders"], path: "Tests/Fuzz", exclude: ["Corpus"],
      linkerSettings: [.unsafeFlags(["-use-ld=lld"])]))
}

// QUANTINFER_TESTS="QuantInferTests ModelFilesTests" builds these targets' tests alone, in a fraction of the time of all.
if let wanted = Context.environment["QUANTINFER_TESTS"]?.split(separator: " ").map(String.init) {
  package.targets.removeAll { $0.type == .test && !wanted.contains($0.name) }
}
