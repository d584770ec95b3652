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
    .library(name: "quantinfer-c", type: .static, targets: ["QuantInferC"]),
    .library(
      name: "QuantInferHost", targets: ["Cohort", "ECG", "Evaluation", "Quantization", "Support", "Training"]),
    .executable(name: "exporter", targets: ["Exporter"]),
    .executable(name: "device-sim", targets: ["DeviceSim"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
  ],
  targets: [
    // The runtime: nothing from outside, no heap; also compiles as Embedded Swift (see Firmware/).
    // CKernels has its inner loops in the vector instructions of 64-bit x86 and ARM; elsewhere it is empty.
    .target(name: "CKernels"),
    .target(name: "QuantInfer", dependencies: ["CKernels"], swiftSettings: runtimeSettings),

    // The runtime's C interface, for firmware in C.
    .target(name: "CQuantInfer"),
    .target(
      name: "QuantInferC", dependencies: ["CQuantInfer", "QuantInfer"], swiftSettings: runtimeSettings),

    // The host's libraries, in the order in which data flows through them.
    .systemLibrary(
      name: "CCrypto", pkgConfig: "libcrypto",
      providers: [.apt(["libssl-dev"]), .brew(["openssl"])]),
    .target(name: "Support", dependencies: ["CCrypto"]),
    .target(name: "ECG", dependencies: ["Support"]),
    .target(name: "Cohort", dependencies: ["ECG", "QuantInfer", "Support"]),
    .target(name: "PhysioNet", dependencies: ["ECG", "Support"]),
    .systemLibrary(
      name: "CFFTW3", pkgConfig: "fftw3",
      providers: [.apt(["libfftw3-dev"]), .brew(["fftw"])]),
    .target(name: "Training", dependencies: ["CFFTW3", "ECG", "Support"]),
    .target(name: "Quantization", dependencies: ["QuantInfer", "Support", "Training"]),
    .target(
      name: "Evaluation",
      dependencies: ["Cohort", "ECG", "QuantInfer", "Quantization", "Support", "Training"]),
    .target(name: "Reporting", dependencies: ["Support"]),
    .target(
      name: "Transfer",
      dependencies: ["Cohort", "ECG", "Evaluation", "Quantization", "Reporting", "Support", "Training"]),
    .target(
      name: "Simulation",
      dependencies: [
        "ECG", "Evaluation", "QuantInfer", "Quantization", "Reporting", "Support", "Training",
      ],
      // In the code, so that an installed command has them without a folder beside it.
      resources: ["reference", "pacemaker", "crt-d", "leadless", "programmer"].map {
        .embedInCode("Profiles/\($0).json")
      }),
    .target(
      name: "QuantizationReport",
      dependencies: [
        "ECG", "Evaluation", "QuantInfer", "Quantization", "Reporting", "Simulation", "Support", "Training",
      ]),

    // The commands: arguments, one library call a subcommand.
    .target(
      name: "CommandSupport",
      dependencies: [
        "Support", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .executableTarget(
      name: "Exporter",
      dependencies: [
        "Cohort", "CommandSupport", "ECG", "Evaluation", "PhysioNet", "QuantInfer", "Quantization",
        "QuantizationReport", "Support", "Training", "Transfer",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .executableTarget(
      name: "DeviceSim",
      dependencies: [
        "CommandSupport", "Simulation", "Support",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),

    // Tests: one folder a module, and what they share.
    .target(name: "TestSupport", path: "Tests/Support/TestSupport"),
    .target(name: "ReferenceKernels", path: "Tests/Support/ReferenceKernels"),
    .target(name: "ConformanceCases", path: "Tests/Support/ConformanceCases"),
    .target(name: "AllocationCounter", path: "Tests/Support/AllocationCounter"),
    .target(
      name: "TestNetworks",
      dependencies: ["QuantInfer", "Quantization", "ReferenceKernels", "Support", "TestSupport"],
      path: "Tests/Support/TestNetworks"),
    .testTarget(name: "CKernelsTests", dependencies: ["CKernels", "Support"]),
    .testTarget(
      name: "QuantInferTests",
      dependencies: [
        "AllocationCounter", "ConformanceCases", "ECG", "Evaluation", "QuantInfer", "Quantization",
        "ReferenceKernels", "Simulation", "Support", "TestNetworks", "TestSupport", "Training",
      ]),
    .testTarget(
      name: "QuantInferCTests",
      dependencies: ["CQuantInfer", "Quantization", "QuantInfer", "QuantInferC", "Support", "TestSupport"]),
    .testTarget(
      name: "SupportTests",
      dependencies: [
        "CommandSupport", "Support", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .testTarget(
      name: "ReferenceKernelTests", dependencies: ["ConformanceCases", "ReferenceKernels", "TestSupport"]),
    .testTarget(name: "ECGTests", dependencies: ["ECG", "PhysioNet", "Support", "TestSupport"]),
    .testTarget(
      name: "CohortTests", dependencies: ["Cohort", "ECG", "Evaluation", "Support", "TestSupport"]),
    .testTarget(name: "TrainingTests", dependencies: ["ECG", "Support", "TestSupport", "Training"]),
    .testTarget(
      name: "QuantizationTests",
      dependencies: [
        "QuantInfer", "Quantization", "Support", "TestNetworks", "TestSupport", "Training",
      ]),
    .testTarget(
      name: "EvaluationTests", dependencies: ["Cohort", "ECG", "Evaluation", "Support", "TestSupport"]),
    .testTarget(name: "ReportingTests", dependencies: ["Reporting", "Support"]),
    .testTarget(
      name: "TransferTests",
      dependencies: [
        "Cohort", "ECG", "Evaluation", "Quantization", "Support", "TestSupport", "Training", "Transfer",
      ]),
    .testTarget(
      name: "SimulationTests",
      dependencies: [
        "AllocationCounter", "ECG", "QuantInfer", "Quantization", "Simulation", "Support", "TestSupport",
        "Training",
      ]),
    .testTarget(
      name: "CommandTests",
      dependencies: [
        "ECG", "QuantInfer", "Quantization", "QuantizationReport", "Support", "TestSupport", "Training",
      ]),
    .testTarget(
      name: "QuantizationReportTests",
      dependencies: [
        "ECG", "QuantInfer", "Quantization", "QuantizationReport", "Support", "TestSupport", "Training",
      ]),
  ],
  swiftLanguageModes: [.v6]
)
