import FoundationEssentials
import MoltCore
import MoltLifecycle
import MoltReconcile
import MoltRecipe
import MoltScheduler
import MoltStore
import MoltTemplates

#if canImport(Glibc)
import Glibc
#endif

extension StoreLedger {
    func prepare(
        _ attempt: RunLifecycle.Attempt, of run: TrackedRun, settings: SchedulerConfiguration?
    ) async throws(LedgerError) -> Result<AttemptMaterials, UserError> {
        let id = run.id.rawValue
        let (found, frozen) = try await read { snapshot in (try snapshot.run(run.id), try snapshot.frozen(id)) }
        prepared[run.id] = frozen
        guard let record = found else { return .failure(UserError("the run is missing from the store")) }
        do throws(UserError) {
            return .success(try build(attempt, run, record, frozen, settings))
        } catch {
            return .failure(error)
        }
    }

    private func build(
        _ attempt: RunLifecycle.Attempt, _ run: TrackedRun, _ record: RunRecord, _ frozen: FrozenRecord?,
        _ settings: SchedulerConfiguration?
    ) throws(UserError) -> AttemptMaterials {
        guard let frozen else { throw UserError("the run's recipe is missing from the store") }
        var recipe = try FrozenRecipe.decode(frozen.recipe)
        if let cap = recipe.policy.maxTotal {
            let left = max(60, cap - run.lifecycle.budget.ranSeconds)
            recipe.resources.time = min(recipe.resources.time ?? left, left)
        }
        let taken = (settings?.requeueExit ?? []) + (settings?.requeueExitHold ?? [])
        return try maker.build(
            AttemptContext(
                run: run.id, name: record.name, recipe: recipe, site: site, attempt: attempt.number,
                key: attempt.key, runFolder: RunFolder(path: record.folder),
                workingDirectory: frozen.workingDirectory, prefix: paths.prefix(for: site),
                excludedNodes: excluded(run, recipe, settings), exitCodes: ExitCodes.remapped(avoiding: taken),
                daemonFile: paths.daemonFile, configuration: settings))
    }

    /// A run on this machine has no other node to go to.
    private func excluded(_ run: TrackedRun, _ recipe: Recipe, _ settings: SchedulerConfiguration?) -> [String] {
        guard site.kind == .slurm else { return [] }
        let name = recipe.resources.partition ?? site.partitions.default
        let partition = settings?.partitions.first { candidate in
            name.map { $0 == candidate.name } ?? candidate.isDefault
        }
        return run.lifecycle.exclusions(among: partition?.nodes, needed: recipe.resources.nodes, at: clock.now())
    }

    func write(_ materials: AttemptMaterials, of run: TrackedRun) async -> String? {
        let folder = RunFolder(path: materials.plan.runFolder)
        let number = materials.plan.attempt
        do {
            try DurableFile.makeFolder(folder.attempt(number))
            try Failpoints.pass(.folderMade)
            if let recipe = prepared[run.id].map({ Data($0.recipe.utf8) }) {
                let isEdited = try DurableFile.read(folder.recipe) != recipe
                if isEdited { try DurableFile.write(recipe, to: folder.recipe(attempt: number)) }
            }
            try DurableFile.write(Data(materials.request.script.utf8), to: folder.script(attempt: number))
            try Failpoints.pass(.scriptWritten)
            try JSONFile.write(materials.plan, to: folder.launchPlan(attempt: number))
        } catch {
            return "\(error)"
        }
        // Whoever asked for a stop has got it; the new attempt is meant to run.
        unlink(folder.stopRequest)
        return nil
    }

    func beginSending(
        _ attempt: RunLifecycle.Attempt, of run: TrackedRun, _ materials: AttemptMaterials, at now: Double
    ) async throws(LedgerError) -> Bool {
        let frozen = prepared[run.id]
        exitCodes[run.id] = nil
        return try await write { transaction in
            // Edited meanwhile: the next turn makes it anew.
            guard try transaction.snapshot.frozen(run.id.rawValue) == frozen else { return false }
            let recorder = RunRecorder(transaction: transaction, now: now)
            if var row = try transaction.snapshot.attempt(run.id.rawValue, attempt.number) {
                row.prefix = materials.plan.prefix
                row.exitCodes = materials.plan.exitCodes.isEmpty ? nil : materials.plan.exitCodes
                try transaction.save(row)
            }
            let after = try recorder.handle(.sendingStarted(at: now), run: run.id)
            return after?.lifecycle.isSending(attempt) ?? false
        }
    }
}
