// swift-tools-version: 6.2
import PackageDescription

// Built once for the host and once for each board's triple with its toolset; see `make firmware`.
let package = Package(
  name: "Firmware",
  platforms: [.macOS(.v26)],
  dependencies: [.package(name: "QuantInfer", path: "..")],
  targets: [
    // Start-up, memory, text out and exit; on the host by its C library.
    .target(name: "Board"),
    // The model image and the samples that it carries, written by `exporter export --format c`.
    .target(name: "Payload"),
    .executableTarget(
      name: "Firmware",
      dependencies: ["Board", "Payload", .product(name: "QuantInfer", package: "QuantInfer")]),
    // What `device-sim stream --target` talks to.
    .executableTarget(
      name: "Target",
      dependencies: [
        "Board", "Payload", .product(name: "QuantInfer", package: "QuantInfer"),
        .product(name: "QuantInferTarget", package: "QuantInfer"),
      ]),
  ],
  swiftLanguageModes: [.v6]
)
