// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "Morse",
    products: [.library(name: "Morse", type: .dynamic, targets: ["Morse"])],
    dependencies: [.package(path: "../..")],
    targets: [
        .target(
            name: "Morse",
            dependencies: [
                .product(name: "GatehouseSDK", package: "SDK"), .product(name: "CGatehouse", package: "SDK"),
                .product(name: "GatehouseJSON", package: "SDK"),
            ],
            // One symbol leaves the library, and no path of the machine that built it: the worker that opens it has the
            // Swift runtime already.
            linkerSettings: [
                .unsafeFlags([
                    "-Xlinker", "--version-script=\(Context.packageDirectory)/../../exports.map",
                    "-no-toolchain-stdlib-rpath",
                ])
            ])
    ],
    swiftLanguageModes: [.v6]
)
