// swift-tools-version: 6.2
import PackageDescription

let numerics: Target.Dependency = .product(name: "GatehouseNumerics", package: "SDK")
let json: Target.Dependency = .product(name: "GatehouseJSON", package: "SDK")

let package = Package(
    name: "Speech",
    products: [.library(name: "Speech", type: .dynamic, targets: ["Speech"])],
    dependencies: [.package(path: "../../SDK")],
    targets: [
        // Files to samples of one channel at one rate.
        .target(name: "CSoundFiles", linkerSettings: ["sndfile", "soxr"].map { .linkedLibrary($0) }),
        .target(name: "Sounds", dependencies: ["CSoundFiles"]),
        // Samples to what an encoder takes, as the checkpoint's feature extractor makes it.
        .target(name: "Features", dependencies: ["Sounds", numerics]),
        // Features to states, of a whole utterance or as it is spoken.
        .target(name: "Encoders", dependencies: ["Features", "Sounds", numerics, json]),
        // Probabilities of pieces to words with times.
        .target(name: "Decoding", dependencies: [numerics, json]),
        // All of it together. Knows nothing of the ABI, so it is tested and measured alone.
        .target(name: "Recognition", dependencies: ["Sounds", "Features", "Encoders", "Decoding", numerics]),
        .target(
            name: "Speech",
            dependencies: [
                "Recognition", "Encoders", "Features", "Decoding", "Sounds", numerics, json,
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
        // Prints what becomes of a sound and how long it takes, for the scripts that compare it with the reference
        // implementation's.
        .executableTarget(
            name: "speech-probe",
            dependencies: ["Recognition", "Encoders", "Features", "Decoding", "Sounds", numerics],
            path: "Sources/Probe"),
        .testTarget(
            name: "SoundsTests", dependencies: ["Sounds"], exclude: ["sounds", "make_sounds.py"]),
        .testTarget(name: "DecodingTests", dependencies: ["Decoding", numerics, json]),
        .testTarget(
            name: "RecognitionTests",
            dependencies: ["Recognition", "Features", "Encoders", "Decoding", "Sounds", numerics, json],
            exclude: ["checkpoints"]),
        // Opens the built library as a host does, so it does not link the plugin.
        .testTarget(
            name: "SpeechTests",
            dependencies: [
                .product(name: "GatehouseTestSupport", package: "SDK"),
                .product(name: "CGatehouse", package: "SDK"),
            ]),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c11
)
