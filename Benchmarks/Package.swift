// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "Benchmarks",
  platforms: [.macOS(.v26)],
  dependencies: [.package(name: "QuantInfer", path: "..")],
  targets: [
    .executableTarget(
      name: "Benchmark",
      dependencies: [
        .product(name: "QuantInfer", package: "QuantInfer"),
        .product(name: "QuantInferHost", package: "QuantInfer"),
      ])
  ],
  swiftLanguageModes: [.v6]
)
