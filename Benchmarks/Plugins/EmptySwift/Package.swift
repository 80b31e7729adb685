// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "EmptySwift",
    products: [.library(name: "EmptySwift", type: .dynamic, targets: ["EmptySwift"])],
    dependencies: [.package(path: "../../../SDK")],
    targets: [
        .target(
            name: "EmptySwift",
            dependencies: [
                .product(name: "GatehouseSDK", package: "SDK"), .product(name: "CGatehouse", package: "SDK"),
            ],
            linkerSettings: [
                .unsafeFlags([
                    "-Xlinker", "--version-script=\(Context.packageDirectory)/../../../SDK/exports.map",
                    "-no-toolchain-stdlib-rpath",
                ])
            ])
    ],
    swiftLanguageModes: [.v6]
)
