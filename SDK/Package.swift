// swift-tools-version: 6.2
// What a plugin author needs, and nothing else. Knows nothing of the host.
import PackageDescription

let package = Package(
    name: "SDK",
    products: [
        // Static, so that a plugin carries the SDK it was built with and shares nothing with its neighbours.
        .library(name: "GatehouseSDK", type: .static, targets: ["GatehouseSDK"]),
        .library(name: "CGatehouse", type: .static, targets: ["CGatehouse"]),
    ],
    targets: [
        .target(name: "CGatehouse"),
        .target(name: "GatehouseSDK", dependencies: ["CGatehouse"]),
        .testTarget(name: "GatehouseSDKTests", dependencies: ["GatehouseSDK", "CGatehouse"]),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c11
)
