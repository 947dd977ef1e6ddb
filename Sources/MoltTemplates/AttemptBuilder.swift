package import MoltCore
package import MoltRecipe

/// Everything that one attempt is made of: a frozen recipe, a site, and what the daemon decided.
package struct AttemptInput: Sendable {
    package var run: RunID
    package var recipe: Recipe
    package var site: Site
    package var attempt: Int
    package var key: AttemptKey
    /// The versioned installation, as the nodes see it; `AttemptBuilder.prefix` gives the usual one.
    package var prefix: String
    package var runFolder: RunFolder
    package var daemonFile: String
    /// From `ExitCodes.remapped`.
    package var exitCodes: [Int32: Int32] = [:]
    /// Nodes that the preflight refused before.
    package var excludedNodes: [String] = []
    /// The submitter's environment, from which a few names are passed on.
    package var environment: [String: String] = [:]

    package init(
        run: RunID, recipe: Recipe, site: Site, attempt: Int, key: AttemptKey, prefix: String, runFolder: RunFolder,
        daemonFile: String
    ) {
        self.run = run
        self.recipe = recipe
        self.site = site
        self.attempt = attempt
        self.key = key
        self.prefix = prefix
        self.runFolder = runFolder
        self.daemonFile = daemonFile
    }
}

/// Makes the launch plan and the submission of an attempt; pure.
package enum AttemptBuilder {
    /// The installation that a site's nodes use: the running program's for the local site, else the site's own.
    package static func prefix(site: Site, installation: Installation) -> String {
        switch site.kind {
        case .local: installation.prefix
        case .slurm: "\(site.prefix)/\(MoltVersion.current)"
        }
    }

    package static func launchPlan(_ input: AttemptInput) -> LaunchPlan {
        let recipe = input.recipe, resources = recipe.resources
        let isForeign = recipe.task == .command, patience = recipe.policy.patience
        var environment = input.site.environment
        environment.merge(recipe.environment) { _, recipe in recipe }
        return LaunchPlan(
            run: input.run, name: recipe.name, attempt: input.attempt, key: input.key, prefix: input.prefix,
            runFolder: input.runFolder.path, launcher: input.site.kind == .slurm ? .srun : .local,
            nodes: resources.nodes, ranksPerNode: resources.ranks, cpusPerRank: resources.cpusPerRank,
            gpusPerRank: recipe.gpusPerRank, command: command(recipe, prefix: input.prefix), isForeign: isForeign,
            environment: environment, workingDirectory: recipe.workingDirectory ?? input.runFolder.path,
            srunOptions: input.site.srun, silence: isForeign ? patience.foreignPhases : patience.phases,
            stepSilence: patience.step, lease: patience.folder, exitCodes: input.exitCodes,
            daemonFile: input.daemonFile, stopMargin: stopMargin(resources.time), timeLimit: resources.time)
    }

    /// The submission; its script is rendered from `template` (`TemplateLibrary.script()`).
    package static func jobRequest(_ input: AttemptInput, template: String) throws(UserError) -> JobRequest {
        let recipe = input.recipe, resources = recipe.resources, site = input.site
        try RunName.check(recipe.name)
        let output = input.runFolder.slurmOutput(attempt: input.attempt)
        guard !output.contains("%") else {
            throw UserError("the run folder's path contains '%', which Slurm would replace", at: output)
        }
        var request = JobRequest(
            key: input.key, name: "\(recipe.name).\(input.key.short)", script: "",
            workingDirectory: input.runFolder.path, output: output, nodes: resources.nodes,
            ranksPerNode: resources.ranks, cpusPerRank: resources.cpusPerRank, gpusPerNode: resources.gpusPerNode,
            environment: environment(input))
        request.partition = resources.partition ?? site.partitions.default
        request.account = resources.account ?? site.account
        request.qos = resources.qos
        request.gres = site.gpus.gres
        request.memoryPerNode = resources.memory
        request.timeLimit = resources.time
        request.excludedNodes = input.excludedNodes
        request.options = resources.slurm
        // They are about the first start; the links of a chain follow each other at once.
        if input.attempt > 1 {
            for name in ["begin", "dependency"] { request.options[name] = nil }
        }
        request.script = try BatchScript.render(
            request, run: input.run, attempt: input.attempt, setup: site.setup, template: template)
        return request
    }

    private static func command(_ recipe: Recipe, prefix: String) -> [String] {
        switch recipe.task {
        case .command: recipe.command ?? []
        case .pretrain, .finetune: ["\(prefix)/bin/molt-train", "train"]
        case .generate, .evaluate, .prepare, .convert: ["\(prefix)/bin/molt-train", recipe.task.rawValue]
        }
    }

    /// A minute, or a quarter of a short limit: what a save may take before the limit.
    private static func stopMargin(_ timeLimit: Double?) -> Double {
        guard let timeLimit else { return 60 }
        return min(60, max(1, (timeLimit / 4).rounded()))
    }

    /// What the batch shell gets; everything else travels in the launch plan.
    private static func environment(_ input: AttemptInput) -> [String: String] {
        var result = input.environment.filter { passedOn.contains($0.key) }
        if result["PATH"] == nil { result["PATH"] = "/usr/local/bin:/usr/bin:/bin" }
        result["MOLT_PREFIX"] = input.prefix
        result[WorkerEnvironment.runFolder] = input.runFolder.path
        result[WorkerEnvironment.attempt] = "\(input.attempt)"
        result[WorkerEnvironment.key] = input.key.rawValue
        return result
    }

    private static let passedOn: Set<String> = [
        "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TZ", "MODULEPATH", "MODULESHOME", "LMOD_CMD",
        "LMOD_DIR",
    ]
}

/// Exit codes that do not meet the site's RequeueExit and RequeueExitHold.
package enum ExitCodes {
    /// A code for each that Slurm would act on by itself, ours first and then those of crashes; the daemon reads the
    /// real one from the receipt. So a job that Slurm has put back into the queue never did it by its own end.
    package static func remapped(avoiding taken: [Int32]) -> [Int32: Int32] {
        let ours = JobExit.allCases.map(\.rawValue)
        var used = Set(taken).union(ours).union([0])
        var result: [Int32: Int32] = [:]
        for code in ours.filter(taken.contains) + taken.filter({ !ours.contains($0) }) where code != 0 {
            // Below 126: the shell and Slurm give meaning to what is above.
            guard let free = (Int32(64)...125).first(where: { !used.contains($0) })
                ?? (Int32(2)...63).first(where: { !used.contains($0) })
            else { continue }
            used.insert(free)
            result[code] = free
        }
        return result
    }
}
