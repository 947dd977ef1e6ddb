/// Which of our modules a module may import; the compiler checks the manifest, this checks the design.
enum ModuleEdges {
    static let allowed: [String: Set<String>] = [
        "MoltCore": ["COpenSSL"],
        "MoltRecipe": ["MoltCore"],
        "MoltTesting": ["MoltCore"],
        "MoltHTTP": ["MoltCore", "CCurl"],
        "MoltTemplates": ["MoltCore", "MoltRecipe", "CMoltAssets"],
        "MoltLifecycle": ["MoltCore"],
        "MoltScheduler": ["MoltCore", "CMoltSpawn"],
        "MoltBackends": ["MoltCore", "MoltScheduler", "MoltTemplates", "MoltHTTP"],
        "MoltStore": ["MoltCore"],
        "MoltReconcile": ["MoltCore", "MoltLifecycle", "MoltScheduler"],
        "MoltSimulation": ["MoltCore", "MoltLifecycle", "MoltScheduler", "MoltReconcile"],
        "MoltAPI": ["MoltCore", "MoltHTTP"],
        "MoltServer": [
            "MoltCore", "MoltRecipe", "MoltHTTP", "MoltTemplates", "MoltLifecycle", "MoltScheduler", "MoltReconcile",
            "MoltStore", "MoltAPI", "MoltBackends",
        ],
        "MoltCommands": ["MoltCore", "MoltRecipe", "MoltHTTP", "MoltTemplates", "MoltAPI"],
        "MoltJob": ["MoltCore", "MoltRecipe"],
        "MoltTensor": ["CMoltTorch"],
        "MoltNN": ["MoltTensor"],
        "MoltModels": ["MoltTensor", "MoltNN", "MoltRecipe"],
        "MoltParallel": ["MoltTensor", "MoltNN", "MoltCore"],
        "MoltOptim": ["MoltTensor", "MoltNN"],
        "MoltCheckpoint": ["MoltTensor", "MoltCore"],
        "MoltData": ["MoltCore"],
        "MoltConversion": ["MoltCore", "MoltRecipe", "MoltTensor", "MoltNN", "MoltModels", "MoltCheckpoint"],
        "MoltTokenizers": ["MoltCore", "CPCRE2", "CMoltUnicode"],
        "MoltTrainer": [
            "MoltCore", "MoltRecipe", "MoltTensor", "MoltNN", "MoltModels", "MoltParallel", "MoltOptim",
            "MoltCheckpoint", "MoltConversion", "MoltData", "MoltTokenizers",
            "CMoltStacks",
        ],
        "molt": ["MoltCommands"],
        "moltd": ["MoltServer", "MoltCore"],
        "molt-job": ["MoltJob", "MoltCore"],
        "molt-slurm": ["MoltScheduler", "MoltCore", "CSlurm"],
        "molt-sim": ["MoltSimulation"],
        "molt-train": ["MoltTrainer", "MoltConversion", "MoltCheckpoint", "MoltCore"],
    ]

    /// Packages that belong to one module alone.
    static let owners: [String: Set<String>] = [
        "GRDB": ["MoltStore"],
        "Hummingbird": ["MoltServer"],
        "CMoltTorch": ["MoltTensor"],
        "CSlurm": ["molt-slurm"],
        "CCurl": ["MoltHTTP"],
        "COpenSSL": ["MoltCore"],
        "CMoltSpawn": ["MoltScheduler"],
        "CMoltStacks": ["MoltTrainer"],
        "CMoltAssets": ["MoltTemplates"],
        "CPCRE2": ["MoltTokenizers"],
        "CMoltUnicode": ["MoltTokenizers"],
    ]

    /// Modules that link all of Foundation on purpose (GRDB brings it anyway).
    static let foundation: Set<String> = ["MoltStore"]
}
