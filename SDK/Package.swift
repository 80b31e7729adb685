// swift-tools-version: 6.2
// What a plugin author needs, and nothing else. Knows nothing of the host.
import PackageDescription

let package = Package(
    name: "SDK",
    products: [
        // Static, so that a plugin carries the SDK it was built with and shares nothing with its neighbours.
        .library(name: "GatehouseSDK", type: .static, targets: ["GatehouseSDK"]),
        .library(name: "CGatehouse", type: .static, targets: ["CGatehouse"]),
        // JSON without Foundation, for the host and for plugins.
        .library(name: "GatehouseJSON", type: .static, targets: ["GatehouseJSON"]),
        // Reading published weights, for the host and for plugins.
        .library(name: "GatehouseTensorFiles", type: .static, targets: ["GatehouseTensorFiles"]),
        // What encoders compute with.
        .library(name: "GatehouseNumerics", type: .static, targets: ["GatehouseNumerics"]),
        // For the tests of plugins: opens a built library as a host does.
        .library(name: "GatehouseTestSupport", type: .static, targets: ["GatehouseTestSupport"]),
        // Not a library's: the program an author checks a plugin with.
        .executable(name: "gatehouse-plugin", targets: ["PluginChecker"]),
    ],
    targets: [
        .target(name: "CGatehouse"),
        .target(name: "GatehouseSDK", dependencies: ["CGatehouse"]),
        .target(name: "GatehouseJSON"),
        .target(name: "GatehouseTensorFiles", dependencies: ["GatehouseJSON"]),
        .target(
            name: "GatehouseNumerics", dependencies: ["GatehouseTensorFiles", "GatehouseJSON", "CNumerics"]),
        .target(name: "GatehouseTestSupport", dependencies: ["CGatehouse"]),
        .target(name: "CNumerics", linkerSettings: [.linkedLibrary("m")]),
        .target(
            name: "CPluginProbe", dependencies: ["CGatehouse"],
            linkerSettings: [.linkedLibrary("m"), .linkedLibrary("dl"), .linkedLibrary("pthread")]),
        .executableTarget(name: "PluginChecker", dependencies: ["CPluginProbe", "CGatehouse"]),
        .testTarget(name: "GatehouseSDKTests", dependencies: ["GatehouseSDK", "CGatehouse"]),
        .testTarget(name: "GatehouseJSONTests", dependencies: ["GatehouseJSON"]),
        .testTarget(name: "GatehouseTensorFilesTests", dependencies: ["GatehouseTensorFiles"]),
        .testTarget(
            name: "GatehouseNumericsTests", dependencies: ["GatehouseNumerics"], exclude: ["reference"]),
        .testTarget(
            // The checker is run, not linked: the dependency has it built.
            name: "PluginCheckerTests", dependencies: ["PluginChecker"]),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c11
)
