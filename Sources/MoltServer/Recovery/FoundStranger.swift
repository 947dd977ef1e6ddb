import FoundationEssentials
import MoltAPI
import MoltCore
import MoltLifecycle
import MoltRecipe
import MoltStore

#if canImport(Glibc)
import Glibc
#endif

/// A run that only its folder knows.
struct FoundStranger: Sendable {
    var run: WatchedRun
    private let found: FoundRun?
    private let frozen: FrozenRecord
    private let token: ClientTokenRecord

    /// Nil for what this home's daemon has not submitted.
    ///
    /// - Parameter since: when the copy was made from which the store was restored. What was asked for after that and
    ///   never sent is in no copy; without a copy, what was never sent may be a submission that was never acknowledged.
    init?(_ folder: RunFolder, id: RunID, site: Site, daemonFile: String, since: Double?, at now: Double) throws {
        // What others may write to is not taken for ours: it would be run in our name.
        var status = stat()
        guard lstat(folder.path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid(),
            status.st_mode & (S_IWGRP | S_IWOTH) == 0
        else { return nil }
        let environment = try? JSONFile.read(FrozenEnvironment.self, from: folder.environment)
        guard environment?.site == site.name else { return nil }
        let found = try FoundRun(folder, id: id, daemonFile: daemonFile)
        let isNew = since.map { (environment?.submittedAt ?? 0) >= $0 } ?? false
        guard let environment, found != nil || (isNew && environment.daemonFile == daemonFile) else { return nil }
        let text = try found?.recipeText()
            ?? String(decoding: DurableFile.read(folder.recipe, limit: Limits.recipeBytes), as: UTF8.self)
        let recipe = try FrozenRecipe.decode(text), policy = LifecyclePolicy(recipe, site)
        let lifecycle = found.map {
            RunLifecycle(
                policy: policy, found: $0.newest, isDone: $0.isDone, wasAskedToStop: $0.wasAskedToStop, at: now)
        } ?? RunLifecycle(policy: policy, held: environment.isHeld ?? false)
        var record = RunRecord(
            id: id, name: found?.plan.name ?? recipe.name, site: site.name, source: environment.source,
            folder: folder.path, state: lifecycle.word, lifecycle: try WatchedRun.encode(lifecycle),
            createdAt: environment.submittedAt)
        record.partition = recipe.resources.partition ?? site.partitions.default
        record.steps = recipe.trains ? recipe.train.steps : nil
        run = try WatchedRun(record)
        self.found = found
        frozen = FrozenRecord(
            run: id, recipe: text, workingDirectory: recipe.workingDirectory ?? environment.workingDirectory,
            host: environment.host, gitCommit: environment.git?.commit)
        token = ClientTokenRecord(
            token: environment.token ?? AttemptKey.random().rawValue, run: id, request: environment.request ?? "")
    }

    /// What was sent comes before what may be another try of the same request.
    var wasSent: Bool { found != nil }

    /// False when the run of its request is known: then nobody waits for this folder.
    func store(_ recorder: RunRecorder) throws -> Bool {
        var run = run, token = token
        if try recorder.transaction.snapshot.run(token: token.token) != nil {
            guard wasSent else { return false }
            token.token = AttemptKey.random().rawValue
        }
        try recorder.transaction.insert(run.record, frozen, token)
        try found?.storeAttempts(recorder)
        if wasSent { try recorder.leaveForCatchUp(run.record.id) }
        try recorder.note("recovered", "found again by its folder; the database did not know it", run: run.record.id)
        try recorder.save(&run)
        return true
    }
}
