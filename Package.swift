// swift-tools-version: 6.2
import PackageDescription

// Three columns over one shared vocabulary: command, daemon, worker (see README, "How the code is laid out").
// MOLT_PARTS=orchestration leaves out the engine, which needs libtorch; MOLT_PARTS=engine leaves out the rest.
let parts = Context.environment["MOLT_PARTS"] ?? "all"
let wantsEngine = parts != "orchestration"
let wantsOrchestration = parts != "engine"
let warningsAreErrors = Context.environment["MOLT_WERROR"] == "1"

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
] + (warningsAreErrors ? [.treatAllWarnings(as: .error)] : [])

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
// The part of it that serves connections: one that is dropped unserved must not end the daemon.
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let mustache = Target.Dependency.product(name: "Mustache", package: "swift-mustache")
// The daemon asks a connection's socket who is at the other end; Hummingbird hands out NIO's channel for that.
let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

/// Installed programs need no Swift on the machine: its standard library and Foundation are inside them. What is
/// compiled is the same as for the tests, which use the toolchain's own; so one build serves both.
let standalone: [LinkerSetting] = [
    .unsafeFlags(
        ["-static-stdlib"]
            + [
                "Foundation", "CoreFoundation", "FoundationInternationalization", "FoundationEssentials",
                "_FoundationICU", "_FoundationCShims", "_FoundationCollections",
            ].map { "-l\($0)" }, .when(configuration: .release))
]

func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies, swiftSettings: strict, linkerSettings: standalone)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: name, dependencies: dependencies + ["MoltTesting"], exclude: exclusions[name] ?? [],
        swiftSettings: strict + [.unsafeFlags(["-Onone"], .when(configuration: .release))])
}

/// Folders of golden files, which are read from the source tree.
let exclusions = [
    "MoltTemplatesTests": ["Golden"],
    "MoltConversionTests": ["Oracle"],
    "MoltLifecycleTests": ["Corpus"],
    "MoltDataTests": ["Oracle"],
    "MoltModelsTests": ["Golden", "Oracle"],
    "MoltSimulationTests": ["Traces"],
    "MoltOptimTests": ["Golden"],
    "MoltTrainerTests": ["Recorder", "Oracle"],
    "MoltTokenizersTests": ["Oracle"],
]

let shared: [Target] = [
    .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto"),
    library("MoltCore", ["COpenSSL"]),
    library("MoltRecipe", ["MoltCore", yams]),
    library("MoltTesting", ["MoltCore"]),
    tests("MoltCoreTests", ["MoltCore"]),
    tests("MoltRecipeTests", ["MoltRecipe", "MoltCore"]),
    tests("TidyTests", []),
]

let orchestration: [Target] = [
    .systemLibrary(name: "CCurl", pkgConfig: "libcurl"),
    .systemLibrary(name: "CSlurm", pkgConfig: "molt-slurm"),
    .target(name: "CMoltAssets"),
    .target(name: "CMoltSpawn"),
    library("MoltHTTP", ["MoltCore", "CCurl"]),
    library("MoltTemplates", ["MoltCore", "MoltRecipe", "CMoltAssets", mustache]),
    library("MoltLifecycle", ["MoltCore"]),
    library("MoltScheduler", ["MoltCore", "CMoltSpawn"]),
    library("MoltBackends", ["MoltCore", "MoltScheduler", "MoltTemplates", "MoltHTTP"]),
    library("MoltStore", ["MoltCore", grdb]),
    library("MoltReconcile", ["MoltCore", "MoltLifecycle", "MoltScheduler", logging]),
    library("MoltAPI", ["MoltCore", "MoltHTTP"]),
    library(
        "MoltServer",
        [
            "MoltCore", "MoltRecipe", "MoltTemplates", "MoltLifecycle", "MoltScheduler", "MoltReconcile", "MoltStore",
            "MoltAPI", "MoltHTTP", "MoltBackends", hummingbird, hummingbirdCore, lifecycle, unixSignals, logging, nio,
            subprocess,
        ]),
    library("MoltCommands", ["MoltCore", "MoltRecipe", "MoltTemplates", "MoltAPI", "MoltHTTP", argumentParser]),
    library("MoltJob", ["MoltCore", "MoltRecipe"]),
    library("MoltSimulation", ["MoltCore", "MoltLifecycle", "MoltScheduler", "MoltReconcile", logging]),
    program("molt", ["MoltCommands"]),
    program("moltd", ["MoltServer", "MoltCore", argumentParser, logging]),
    program("molt-job", ["MoltJob", argumentParser]),
    .executableTarget(name: "molt-keep", linkerSettings: standalone),
    program("molt-slurm", ["MoltScheduler", "MoltCore", "CSlurm"]),
    program("molt-sim", ["MoltSimulation"]),
    tests("MoltHTTPTests", ["MoltHTTP", "MoltCore"]),
    tests("MoltTemplatesTests", ["MoltTemplates", "MoltRecipe", "MoltCore"]),
    tests("MoltLifecycleTests", ["MoltLifecycle", "MoltCore"]),
    tests("MoltSimulationTests", ["MoltSimulation", "MoltLifecycle", "MoltCore"]),
    tests("MoltSchedulerTests", ["MoltScheduler", "MoltBackends", "MoltTemplates", "MoltHTTP", "MoltCore"]),
    tests("MoltStoreTests", ["MoltStore", "MoltCore", grdb]),
    tests("MoltAPITests", ["MoltAPI", "MoltCore"]),
    tests(
        "MoltServerTests",
        [
            "MoltServer", "MoltStore", "MoltReconcile", "MoltScheduler", "MoltLifecycle", "MoltAPI", "MoltHTTP",
            "MoltRecipe", "MoltCore", logging, grdb,
        ]),
    tests("MoltCommandsTests", ["MoltCommands", "MoltAPI", "MoltRecipe", "MoltCore"]),
    tests("MoltJobTests", ["MoltJob", "MoltRecipe", "MoltCore", subprocess]),
    tests("PluginTests", ["MoltCore"]),
    tests("IntegrationTests", ["MoltCore", "MoltAPI", "MoltHTTP", subprocess]),
]

let engine: [Target] = [
    .systemLibrary(name: "CMoltTorch", pkgConfig: "molt-torch"),
    .target(name: "CMoltStacks"),
    library("MoltTensor", ["CMoltTorch"]),
    library("MoltNN", ["MoltTensor"]),
    library("MoltModels", ["MoltTensor", "MoltNN", "MoltRecipe"]),
    library("MoltParallel", ["MoltTensor", "MoltNN", "MoltCore"]),
    library("MoltOptim", ["MoltTensor", "MoltNN"]),
    library("MoltCheckpoint", ["MoltTensor", "MoltCore"]),
    library("MoltData", ["MoltCore"]),
    .systemLibrary(name: "CPCRE2", pkgConfig: "libpcre2-8"),
    .target(name: "CMoltUnicode"),
    library("MoltTokenizers", ["MoltCore", "CPCRE2", "CMoltUnicode"]),
    library(
        "MoltConversion", ["MoltCore", "MoltRecipe", "MoltTensor", "MoltNN", "MoltModels", "MoltCheckpoint"]),
    library(
        "MoltTrainer",
        [
            "MoltCore", "MoltRecipe", "MoltTensor", "MoltNN", "MoltModels", "MoltParallel", "MoltOptim",
            "MoltCheckpoint", "MoltConversion", "MoltData", "MoltTokenizers",
            "CMoltStacks",
        ]),
    program("molt-train", ["MoltTrainer", "MoltConversion", "MoltCheckpoint", argumentParser]),
    tests("MoltTensorTests", ["MoltTensor"]),
    tests("MoltNNTests", ["MoltNN", "MoltTensor"]),
    tests(
        "MoltModelsTests",
        ["MoltModels", "MoltOptim", "MoltNN", "MoltTensor", "MoltRecipe", "MoltCheckpoint", "MoltCore"]),
    tests("MoltParallelTests", ["MoltParallel", "MoltNN", "MoltTensor", "MoltCore"]),
    tests("MoltOptimTests", ["MoltOptim", "MoltNN", "MoltTensor"]),
    tests("MoltCheckpointTests", ["MoltCheckpoint", "MoltTensor", "MoltCore"]),
    tests("MoltDataTests", ["MoltData", "MoltCore"]),
    tests("MoltTokenizersTests", ["MoltTokenizers", "MoltRecipe", "MoltCore"]),
    tests(
        "MoltConversionTests",
        [
            "MoltConversion", "MoltTrainer", "MoltCheckpoint", "MoltModels", "MoltNN", "MoltTensor", "MoltRecipe",
            "MoltCore",
        ]),
    tests(
        "MoltTrainerTests",
        [
            "MoltTrainer", "MoltModels", "MoltOptim", "MoltParallel", "MoltCheckpoint", "MoltData", "MoltNN",
            "MoltTensor", "MoltRecipe", "MoltCore",
        ]),
]

let orchestrationPackages: [Package.Dependency] = [
    .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1", traits: []),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", exact: "2.1.1"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2"),
    .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
    .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
]

let package = Package(
    name: "molt",
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    ] + (wantsOrchestration ? orchestrationPackages : []),
    targets: shared + (wantsOrchestration ? orchestration : []) + (wantsEngine ? engine : []),
    cLanguageStandard: .c2x
)
