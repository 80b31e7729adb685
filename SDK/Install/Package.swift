// swift-tools-version: 6.2
// The SDK as install.sh lays it out: what a plugin links, and nothing else.
import PackageDescription

let package = Package(
    name: "GatehouseSDK",
    products: [
        // Static, so that a plugin carries the SDK it was built with and shares nothing with its neighbours.
        .library(name: "GatehouseSDK", type: .static, targets: ["GatehouseSDK"]),
        .library(name: "CGatehouse", type: .static, targets: ["CGatehouse"]),
        .library(name: "GatehouseJSON", type: .static, targets: ["GatehouseJSON"]),
        .library(name: "GatehouseTensorFiles", type: .static, targets: ["GatehouseTensorFiles"]),
        .library(name: "GatehouseNumerics", type: .static, targets: ["GatehouseNumerics"]),
    ],
    targets: [
        .target(name: "CGatehouse"),
        .target(name: "GatehouseSDK", dependencies: ["CGatehouse"]),
        .target(name: "GatehouseJSON"),
        .target(name: "GatehouseTensorFiles", dependencies: ["GatehouseJSON"]),
        .target(
            name: "GatehouseNumerics", dependencies: ["GatehouseTensorFiles", "GatehouseJSON", "CNumerics"]),
        .target(name: "CNumerics", linkerSettings: [.linkedLibrary("m")]),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c11
)
