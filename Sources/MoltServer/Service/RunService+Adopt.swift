import FoundationEssentials
package import MoltAPI
import MoltCore
import MoltLifecycle
import MoltRecipe
import MoltReconcile
import MoltScheduler
import MoltStore

#if canImport(Glibc)
import Glibc
#endif

extension RunService {
    /// Makes a job that somebody submitted by hand a run, or the next attempt of one.
    package func adopt(_ request: AdoptRequest) async throws(APIError) -> SubmitResult {
        touch()
        try takeSubmission()
        do {
            let site = try await sites.site(request.site)
            guard site.kind == .slurm else { throw UserError("site '\(site.name)' has no jobs but Molt's own") }
            guard let status = try await sites.scheduler(site.name).load(request.job) else {
                throw APIError(.notFound, "site '\(site.name)' knows no job \(request.job)", fix: "squeue --me")
            }
            try Self.checkMayAdopt(status)
            if let digits = status.digitsInName {
                let attempts = try await store.read { try $0.attempts(keyPrefix: digits) }
                if !attempts.isEmpty { throw Self.isOursAlready(status) }
            }
            let name = request.run ?? HandWrittenJob.runName(status.name, job: status.job)
            try RunName.check(name)
            // A name leads to the folder where the Slurm plugin would look for it.
            let folder = request.run.map { RunFolder(path: "\(site.runs)/\($0)") }
            let job = HandWrittenJob(
                job: AdoptedJob(
                    id: status.job, name: status.name, incarnation: status.restartCount, output: status.output),
                name: name,
                folder: folder ?? RunFolder(runs: site.runs, id: RunID.random()), site: site,
                partition: status.partition, nodes: status.nodes.count, timeLimit: status.timeLimit,
                how: "job \(status.job) was adopted")
            let taken = try await take(job, token: AttemptKey.random().rawValue)
            return SubmitResult(
                id: taken.id, name: taken.name, site: taken.site, state: taken.state.rawValue, isNew: true,
                runFolder: taken.folder,
                warnings: status.comment.isEmpty ? [] : ["its comment '\(status.comment)' gives way to Molt's key"])
        } catch let error as SchedulerError {
            throw APIError(.unavailable, "the scheduler does not answer: \(error.words)")
        } catch {
            throw Self.apiError(error)
        }
    }

    private static func isOursAlready(_ status: JobStatus) -> APIError {
        APIError(.conflict, "job \(status.job) is a run of Molt's already", fix: "molt ls shows it")
    }

    private static func checkMayAdopt(_ status: JobStatus) throws(APIError) {
        guard status.userID == getuid() else { throw APIError(.forbidden, "job \(status.job) is another user's") }
        guard status.key == nil else { throw isOursAlready(status) }
        // A mark on what waits of an array would be on each of its members, and all but one would be ended as doubles.
        if let group = status.group {
            throw APIError(
                .conflict, "job \(status.job) is a part of the array or heterogeneous job \(group)",
                fix: "adopt jobs that stand alone, or: molt submit once for each member")
        }
        guard !status.state.isTerminal else {
            throw APIError(
                .conflict, "job \(status.job) is over", fix: "submit it again, and adopt it before it ends")
        }
    }

    /// Stores the job as the next attempt of the run in its folder, or as a new run.
    func take(_ hand: HandWrittenJob, token: String) async throws -> RunRecord {
        let known = try await store.read { try $0.run(token: token)?.0 }
        if let known { return known }
        let recipe = hand.recipe, text = try FrozenRecipe.encode(recipe), now = clock.now()
        var policy = LifecyclePolicy.forAdopted
        policy.exclusion = LifecyclePolicy(recipe, hand.site).exclusion
        let fresh = policy, id = RunID.random()
        if try await store.read({ try $0.run(folder: hand.folder.path) }) == nil {
            let environment = FrozenEnvironment(
                moltVersion: MoltVersion.current, host: identity.host, workingDirectory: "/", submittedAt: now,
                site: hand.site.name, source: "job \(hand.job.id)", git: nil, system: RunFreezer.system())
            try RunFreezer.create(hand.folder, recipe: text, environment: environment)
        }
        let record = try await store.write { transaction in
            if let known = try transaction.snapshot.run(token: token)?.0 { return known }
            try self.checkRoom(in: transaction.snapshot)
            let recorder = RunRecorder(transaction: transaction, now: now)
            guard let old = try transaction.snapshot.run(folder: hand.folder.path) else {
                return try Self.insert(hand, id, fresh, text, token, recorder)
            }
            var run = try WatchedRun(old)
            guard run.lifecycle.adopted != nil else {
                throw APIError(
                    .conflict, "run \(old.id) has a recipe; its jobs are submitted by Molt", at: old.folder,
                    fix: "give the job another run's name")
            }
            guard !run.lifecycle.isActive else {
                throw APIError(.conflict, "run \(old.id) still has a job", fix: "molt show \(old.id)")
            }
            run.lifecycle = RunLifecycle(policy: fresh, adopting: hand.job, after: run.lifecycle.lastAttempt)
            run.record.lastError = nil
            try recorder.save(&run)
            try transaction.insert(ClientTokenRecord(token: token, run: run.id, request: ""))
            try recorder.note("adopted", hand.how, run: old.id, attempt: run.lifecycle.lastAttempt + 1)
            return run.record
        }
        await bell.ring()
        return record
    }

    private static func insert(
        _ hand: HandWrittenJob, _ id: RunID, _ policy: LifecyclePolicy, _ recipe: String, _ token: String,
        _ recorder: RunRecorder
    ) throws -> RunRecord {
        let lifecycle = RunLifecycle(policy: policy, adopting: hand.job)
        var run = RunRecord(
            id: id, name: hand.name, site: hand.site.name, source: "job \(hand.job.id)", folder: hand.folder.path,
            state: lifecycle.word, lifecycle: try WatchedRun.encode(lifecycle), createdAt: recorder.now)
        run.partition = hand.partition
        run.pendingReason = lifecycle.waiting?.words
        try recorder.transaction.insert(
            run, FrozenRecord(run: id, recipe: recipe, workingDirectory: "/", host: "", gitCommit: nil),
            ClientTokenRecord(token: token, run: id, request: ""))
        try recorder.note("adopted", hand.how, run: run.id, attempt: 1)
        return run
    }
}
