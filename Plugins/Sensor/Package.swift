// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "Sensor",
    products: [.library(name: "Sensor", type: .dynamic, targets: ["Sensor"])],
    dependencies: [.package(path: "../../SDK")],
    targets: [
        // Everything but the ABI: bytes of CSV in, text out. Knows nothing of the SDK, so it is tested alone.
        .target(name: "Measurements"),
        .target(
            name: "Sensor",
            dependencies: [
                "Measurements",
                .product(name: "GatehouseSDK", package: "SDK"), .product(name: "CGatehouse", package: "SDK"),
            ],
            // One symbol leaves the library, and no path of the machine that built it: the worker that opens it has the
            // Swift runtime already.
            linkerSettings: [
                .unsafeFlags([
                    "-Xlinker", "--version-script=\(Context.packageDirectory)/../../SDK/exports.map",
                    "-no-toolchain-stdlib-rpath",
                ])
            ]),
        .testTarget(name: "MeasurementsTests", dependencies: ["Measurements"]),
        // Opens the built library as a host does, so it does not link the plugin.
        .testTarget(
            name: "SensorTests",
            dependencies: [
                .product(name: "GatehouseTestSupport", package: "SDK"),
                .product(name: "CGatehouse", package: "SDK"),
            ]),
    ],
    swiftLanguageModes: [.v6]
)
