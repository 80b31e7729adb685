// swift-tools-version: 6.2
import PackageDescription

let numerics: Target.Dependency = .product(name: "GatehouseNumerics", package: "SDK")
let json: Target.Dependency = .product(name: "GatehouseJSON", package: "SDK")

let package = Package(
    name: "Vision",
    products: [.library(name: "Vision", type: .dynamic, targets: ["Vision"])],
    dependencies: [.package(path: "../../SDK")],
    targets: [
        // Files to pixels; the codecs' way of failing ends here.
        .target(
            name: "CImageFiles",
            linkerSettings: ["jpeg", "png16", "webp", "webpdemux"].map { .linkedLibrary($0) }),
        // Pixels to what an encoder takes, as the checkpoint's processor makes it.
        .target(name: "Pictures", dependencies: ["CImageFiles", numerics, json]),
        // Pictures to rows of features. Knows nothing of the ABI, so it is tested and measured alone.
        .target(name: "Encoders", dependencies: ["Pictures", numerics, json]),
        .target(
            name: "Vision",
            dependencies: [
                "Encoders", "Pictures", numerics, json,
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
        // Prints features and times, for the scripts that compare them with the reference implementation's.
        .executableTarget(
            name: "vision-features", dependencies: ["Encoders", "Pictures", numerics],
            path: "Sources/Features"),
        .testTarget(
            name: "PicturesTests", dependencies: ["Pictures", numerics, json],
            exclude: ["images", "make_images.py"]),
        .testTarget(
            name: "EncodersTests", dependencies: ["Encoders", "Pictures", numerics], exclude: ["checkpoints"]),
        // Opens the built library as a host does, so it does not link the plugin.
        .testTarget(
            name: "VisionTests",
            dependencies: [
                .product(name: "GatehouseTestSupport", package: "SDK"),
                .product(name: "CGatehouse", package: "SDK"),
            ]),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c11
)
