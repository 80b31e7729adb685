// swift-tools-version: 6.2
// The host. Dependencies point downwards only; plugins are packages of their own under Plugins/.
import PackageDescription

// SDK/ is no other's package: the host reads JSON with what plugins read it with.
let json: Target.Dependency = .product(name: "GatehouseJSON", package: "SDK")
let tensorFiles: Target.Dependency = .product(name: "GatehouseTensorFiles", package: "SDK")

let package = Package(
    name: "Gatehouse",
    products: [
        .executable(name: "gatehouse", targets: ["Gatehouse"]),
        .executable(name: "gatehouse-worker", targets: ["Worker"]),
    ],
    dependencies: [
        .package(path: "SDK")
    ],
    targets: [
        .executableTarget(
            name: "Gatehouse",
            dependencies: [
                "Server", "Engine", "Modalities", "Fusion", "PluginHost", "Decoder", "Weights", "Text",
                json,
            ],
            path: "Host/Gatehouse"),
        .target(
            name: "Server",
            dependencies: [
                "Engine", "Constraints", "Modalities", "Fusion", "Decoder", "Text", "Digest",
                "CSystemMicrohttpd", "CSystemCurl", json,
                tensorFiles,
            ],
            path: "Host/Server",
            resources: [.embedInCode("Console/console.html"), .embedInCode("OpenAPI/openapi.json")]),
        .target(
            name: "Engine",
            dependencies: ["Constraints", "Fusion", "Decoder", "PluginHost", "CKernels", "Digest"],
            path: "Host/Engine"),
        .target(
            name: "Fusion",
            dependencies: [
                "Constraints", "Decoder", "PluginHost", "Text", "Weights", "Digest", json, tensorFiles,
            ],
            path: "Host/Fusion"),
        .target(name: "Decoder", dependencies: ["Weights", "CKernels"], path: "Host/Decoder"),
        .target(name: "Weights", dependencies: ["CKernels", json, tensorFiles], path: "Host/Weights"),
        .target(name: "Constraints", dependencies: ["Text", json], path: "Host/Constraints"),
        .target(name: "Text", dependencies: ["CSystemPCRE2", json], path: "Host/Text"),
        .target(name: "Modalities", dependencies: ["PluginHost", "Digest", json], path: "Host/Modalities"),
        .target(name: "Digest", dependencies: ["CSystemNettle"], path: "Host/Digest"),

        // No Foundation below this line: the worker starts in milliseconds.
        .executableTarget(
            name: "Worker", dependencies: ["PluginHost", "CSystemSandbox"], path: "Host/Worker"),
        .target(
            name: "PluginHost",
            dependencies: [
                .product(name: "CGatehouse", package: "SDK"), "CSystemPosix", "CSystemSandbox",
            ],
            path: "Host/PluginHost"),

        .target(
            name: "CKernels", path: "Host/CKernels",
            linkerSettings: [.linkedLibrary("m"), .linkedLibrary("pthread")]),
        .target(
            name: "CSystemMicrohttpd", path: "Host/CSystemMicrohttpd",
            linkerSettings: [.linkedLibrary("microhttpd"), .linkedLibrary("gnutls")]),
        // Opened when it is first used, and not linked.
        .target(name: "CSystemCurl", path: "Host/CSystemCurl"),
        .target(
            name: "CSystemPCRE2", path: "Host/CSystemPCRE2",
            linkerSettings: [.linkedLibrary("pcre2-8")]),
        .systemLibrary(name: "CSystemNettle", path: "Host/CSystemNettle"),
        .target(name: "CSystemPosix", path: "Host/CSystemPosix"),
        .target(
            name: "CSystemSandbox", path: "Host/CSystemSandbox",
            linkerSettings: [.linkedLibrary("seccomp")]),

        .testTarget(
            name: "TextTests", dependencies: ["Text", json], path: "Tests/TextTests", exclude: ["Fixtures"]),
        .testTarget(
            name: "ConstraintsTests", dependencies: ["Constraints", "Text", "TestSupport", json],
            path: "Tests/ConstraintsTests"),
        .executableTarget(
            name: "schema-suite", dependencies: ["Constraints", json], path: "Tests/SchemaSuite"),
        // The plain decoder that the real one is held to; it knows nothing of the host.
        .target(name: "Reference", path: "Tests/Reference"),
        .target(
            name: "CheckpointFixtures",
            dependencies: ["Decoder", "Weights", "Reference", "TestSupport", tensorFiles],
            path: "Tests/CheckpointFixtures"),
        .executableTarget(
            name: "parity", dependencies: ["CheckpointFixtures", "Decoder", "Weights"],
            path: "Benchmarks/Parity"),
        .executableTarget(
            name: "steps", dependencies: ["Engine", "Decoder", "Weights"], path: "Benchmarks/Steps"),
        .executableTarget(
            name: "constraint-costs",
            dependencies: ["Constraints", "Engine", "Fusion", "Decoder", json], path: "Benchmarks/Constraints"
        ),
        .testTarget(
            name: "KernelTests", dependencies: ["CKernels", "Reference"], path: "Tests/KernelTests",
            exclude: ["Fixtures"]),
        .testTarget(
            name: "WeightsTests", dependencies: ["Weights", "CKernels", "TestSupport", json, tensorFiles],
            path: "Tests/WeightsTests"),
        .testTarget(
            name: "DecoderTests",
            dependencies: [
                "Decoder", "Weights", "Engine", "Fusion", "Text", "TestSupport", "Reference",
                "CheckpointFixtures",
            ],
            path: "Tests/DecoderTests", exclude: ["Fixtures"]),
        .testTarget(
            name: "EngineTests",
            dependencies: [
                "Engine", "Constraints", "Text", "Decoder", "Fusion", "Weights", "Reference",
                "CheckpointFixtures", "TestSupport", "CSystemMalloc", json,
            ],
            path: "Tests/EngineTests"),
        .testTarget(
            // The worker is run, not linked: the dependency has it built.
            name: "ModalitiesTests",
            dependencies: [
                "Modalities", "PluginHost", "Digest", "CSystemPosix", "Worker", "TestSupport", json,
            ],
            path: "Tests/ModalitiesTests"),
        .testTarget(
            name: "FusionTests",
            dependencies: [
                "Fusion", "Constraints", "Decoder", "PluginHost", "Text", "TestSupport",
                "CheckpointFixtures", json,
            ],
            path: "Tests/FusionTests"),
        .testTarget(
            name: "ServerTests",
            dependencies: [
                "Server", "Engine", "Constraints", "Modalities", "Fusion", "Decoder", "PluginHost",
                "TestSupport", json,
            ],
            path: "Tests/ServerTests"),
        .systemLibrary(name: "CSystemMalloc", path: "Tests/CSystemMalloc"),
        .target(
            name: "TestSupport", dependencies: ["Fusion", "Decoder", "Engine", "Weights", "PluginHost"],
            path: "Tests/TestSupport"),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c11
)
