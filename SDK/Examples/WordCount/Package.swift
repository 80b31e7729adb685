// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "WordCount",
    products: [.library(name: "WordCount", type: .dynamic, targets: ["WordCount"])],
    dependencies: [.package(path: "../..")],
    targets: [
        .target(
            name: "WordCount",
            dependencies: [
                .product(name: "GatehouseSDK", package: "SDK"), .product(name: "CGatehouse", package: "SDK"),
            ])
    ],
    swiftLanguageModes: [.v6]
)
