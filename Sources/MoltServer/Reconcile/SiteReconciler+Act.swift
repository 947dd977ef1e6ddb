import FoundationEssentials
import Logging
import MoltCore
import MoltLifecycle
import MoltRecipe
import MoltScheduler
import MoltStore
import MoltTemplates

#if canImport(Glibc)
import Glibc
#endif

extension SiteReconciler {
    /// Carries out what is planned; true when something was done after which planning again makes sense.
    func act(_ steps: [(id: RunID, step: Step)], _ runs: [WatchedRun]) async throws(StoreError) -> Bool {
        let byID = Dictionary(uniqueKeysWithValues: runs.map { ($0.id, $0) })
        var isAgainUseful = false
        watched = []
        for (id, step) in steps {
            guard let run = byID[id] else { continue }
            switch step {
            case .openAttempt:
                try await record([(id, .intentRecorded(key: AttemptKey.random()))])
                isAgainUseful = true
            case .send(let attempt):
                try await send(attempt, run)
                isAgainUseful = true
            case .watch(let job): watched.insert(job)
            case .beginNow(let job, let key):
                watched.insert(job)
                await ask("begin", run, after: Limits.watchInterval) { () throws(SchedulerError) in
                    try await self.scheduler.update(job, key: key, change: .beginNow)
                }
            case .cancel(let job, let key):
                watched.insert(job)
                await ask("cancel", run, after: Limits.repeatAction) { () throws(SchedulerError) in
                    try await self.scheduler.cancel(job, key: key)
                }
            case .hold(let job, let key):
                await ask("hold", run, after: Limits.repeatAction) { () throws(SchedulerError) in
                    try await self.scheduler.update(job, key: key, change: .hold)
                }
            case .unhold(let job, let key):
                await ask("release", run, after: Limits.repeatAction) { () throws(SchedulerError) in
                    try await self.scheduler.update(job, key: key, change: .release)
                }
            case .stop(let job, let key): await stop(job, key, run)
            }
        }
        return isAgainUseful
    }

    private func ask(
        _ name: String, _ run: WatchedRun, after seconds: Double,
        _ request: () async throws(SchedulerError) -> Void
    ) async {
        guard mayRepeat(name, run.id, after: seconds) else { return }
        hurry()
        do throws(SchedulerError) {
            try await request()
        } catch {
            switch error {
            case .notFound, .wrongState: break  // the next look shows what became of it
            case .rejected, .keyMismatch, .notPermitted: await tell("cannot \(name) the job: \(error.words)", run)
            case .later, .ambiguous, .unavailable:
                logger.warning(
                    "the scheduler did not do it",
                    metadata: ["run": "\(run.id)", "request": "\(name)", "error": "\(error.words)"])
            }
        }
    }

    /// What the scheduler will not do, the user must know: once, not at each try.
    private func tell(_ message: String, _ run: WatchedRun) async {
        logger.warning("\(message)", metadata: ["run": "\(run.id)"])
        guard told[run.id] != message else { return }
        do {
            let now = clock.now()
            try await store.write { transaction in
                guard var record = try transaction.snapshot.run(run.id) else { return }
                record.lastError = message
                try transaction.update(record)
                try RunRecorder(transaction: transaction, now: now).note("refused", message, run: record.id)
            }
            told[run.id] = message
        } catch {
            logger.error("cannot record it", metadata: ["run": "\(run.id)", "error": "\(error)"])
        }
    }

    /// The file reaches workers that no signal reaches, and those that start only now.
    private func stop(_ job: UInt32, _ key: AttemptKey, _ run: WatchedRun) async {
        do {
            if !FileManager.default.fileExists(atPath: run.folder.stopRequest) {
                try DurableFile.write(Data(key.rawValue.utf8), to: run.folder.stopRequest)
            }
        } catch {
            logger.warning("cannot write the stop request", metadata: ["run": "\(run.id)", "error": "\(error)"])
        }
        await ask("stop", run, after: Limits.repeatStop) { () throws(SchedulerError) in
            try await self.scheduler.signal(job, key: key, signal: SIGTERM, to: .workers)
        }
    }

    private func send(_ attempt: RunLifecycle.Attempt, _ run: WatchedRun) async throws(StoreError) {
        let id = run.record.id
        let frozen = try await store.read { snapshot in try snapshot.frozen(id) }
        let materials: AttemptMaterials
        do throws(UserError) {
            materials = try await build(attempt, run, frozen)
        } catch {
            try await record([(run.id, .refused(message: error.description))])
            return
        }
        do {
            try write(materials, frozen?.recipe, run.folder)
        } catch {
            let until = clock.now() + LifecycleLimits.postponed
            try await record([(run.id, .postponed(message: "\(error)", until: until))])
            return
        }
        // From here on the outcome is unknown until the scheduler has answered; a restarted daemon must know that.
        let now = clock.now()
        let mayGo = try await store.write { transaction in
            let recorder = RunRecorder(transaction: transaction, now: now)
            // Edited meanwhile: the next turn makes it anew.
            guard try transaction.snapshot.frozen(run.record.id) == frozen else { return false }
            if var row = try transaction.snapshot.attempt(run.record.id, attempt.number) {
                row.prefix = materials.plan.prefix
                row.exitCodes = materials.plan.exitCodes.isEmpty ? nil : materials.plan.exitCodes
                try transaction.save(row)
            }
            let after = try recorder.handle(.sendingStarted(at: now), run: run.id)
            return after?.lifecycle.isSending(attempt) ?? false
        }
        // While the materials were made, the user may have taken the wish back.
        guard mayGo else { return }
        let event = await submit(materials.request, afterTrouble: run.record.lastError)
        if case .outcomeUnknown = event { failedSends[attempt.key] = clock.now() }
        try await record([(run.id, event)])
        hurry()
    }

    private func submit(_ request: JobRequest, afterTrouble trouble: String?) async -> LifecycleEvent {
        do throws(SchedulerError) {
            let reply = try await scheduler.submit(request)
            if let warning = reply.warning {
                logger.info("accepted with a warning", metadata: ["job": "\(reply.job)", "warning": "\(warning)"])
            }
            return .acknowledged(job: reply.job, at: clock.now())
        } catch {
            switch error {
            case .rejected, .notPermitted:
                // The refusal may only follow from what earlier attempts found out.
                guard !request.excludedNodes.isEmpty else { return .refused(message: error.words) }
                let nodes = request.excludedNodes.joined(separator: ", ")
                let why = trouble.map { " (\($0))" } ?? ""
                return .refused(message: "\(error.words); not to be used were: \(nodes)\(why)")
            case .later, .unavailable:
                return .postponed(message: error.words, until: clock.now() + LifecycleLimits.postponed)
            case .ambiguous, .notFound, .keyMismatch, .wrongState: return .outcomeUnknown(message: error.words)
            }
        }
    }

    private func build(
        _ attempt: RunLifecycle.Attempt, _ run: WatchedRun, _ frozen: FrozenRecord?
    ) async throws(UserError) -> AttemptMaterials {
        guard let frozen else { throw UserError("the run's recipe is missing from the store") }
        var recipe = try FrozenRecipe.decode(frozen.recipe)
        if let cap = recipe.policy.maxTotal {
            let left = max(60, cap - run.lifecycle.budget.ranSeconds)
            recipe.resources.time = min(recipe.resources.time ?? left, left)
        }
        let settings = await configuration(maxAge: Limits.configurationAge)
        let taken = (settings?.requeueExit ?? []) + (settings?.requeueExitHold ?? [])
        return try maker.build(
            AttemptContext(
                run: run.id, name: run.record.name, recipe: recipe, site: site, attempt: attempt.number,
                key: attempt.key, runFolder: run.folder, workingDirectory: frozen.workingDirectory,
                prefix: paths.prefix(for: site), excludedNodes: excluded(run, recipe, settings),
                exitCodes: ExitCodes.remapped(avoiding: taken), daemonFile: paths.daemonFile,
                configuration: settings))
    }

    /// A run on this machine has no other node to go to.
    private func excluded(_ run: WatchedRun, _ recipe: Recipe, _ settings: SchedulerConfiguration?) -> [String] {
        guard site.kind == .slurm else { return [] }
        let name = recipe.resources.partition ?? site.partitions.default
        let partition = settings?.partitions.first { candidate in
            name.map { $0 == candidate.name } ?? candidate.isDefault
        }
        return run.lifecycle.exclusions(among: partition?.nodes, needed: recipe.resources.nodes, at: clock.now())
    }

    private func write(_ materials: AttemptMaterials, _ recipe: String?, _ folder: RunFolder) throws {
        let number = materials.plan.attempt
        try DurableFile.makeFolder(folder.attempt(number))
        if let recipe = recipe.map({ Data($0.utf8) }) {
            let isEdited = try DurableFile.read(folder.recipe) != recipe
            if isEdited { try DurableFile.write(recipe, to: folder.recipe(attempt: number)) }
        }
        try DurableFile.write(Data(materials.request.script.utf8), to: folder.script(attempt: number))
        try JSONFile.write(materials.plan, to: folder.launchPlan(attempt: number))
        // Whoever asked for a stop has got it; the new attempt is meant to run.
        unlink(folder.stopRequest)
    }
}
