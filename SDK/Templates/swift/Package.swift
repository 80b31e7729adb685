// swift-tools-version: 6.2
import PackageDescription

// Where the Gatehouse SDK is installed.
let prefix = Context.environment["PREFIX"] ?? "/usr/local"

let package = Package(
    name: "MyPlugin",
    products: [.library(name: "MyPlugin", type: .dynamic, targets: ["MyPlugin"])],
    dependencies: [.package(path: "\(prefix)/share/gatehouse/GatehouseSDK")],
    targets: [
        .target(name: "TextSummary"),
        .target(
            name: "MyPlugin",
            dependencies: [
                "TextSummary",
                .product(name: "GatehouseSDK", package: "GatehouseSDK"),
                .product(name: "CGatehouse", package: "GatehouseSDK"),
            ],
            // One symbol leaves the library, and no path of this machine: whoever opens it has the Swift runtime.
            linkerSettings: [
                .unsafeFlags([
                    "-Xlinker", "--version-script=\(prefix)/share/gatehouse/exports.map",
                    "-no-toolchain-stdlib-rpath",
                ])
            ]),
        .testTarget(name: "TextSummaryTests", dependencies: ["TextSummary"]),
    ],
    swiftLanguageModes: [.v6]
)
