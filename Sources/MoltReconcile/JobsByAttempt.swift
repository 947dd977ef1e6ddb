import MoltCore
import MoltLifecycle
import MoltScheduler

/// The jobs of one look, by the attempts that they may be.
struct JobsByAttempt {
    /// By what their comments say.
    private(set) var keyed: [AttemptKey: [JobStatus]]
    /// Those whose comment somebody wrote over, by the digits in their names.
    private(set) var named: [String: [JobStatus]] = [:]
    /// How many are in a state that nobody here knows, and what Slurm calls it.
    private(set) var unknown: (count: Int, words: String?) = (0, nil)

    init(_ jobs: [JobStatus]) {
        keyed = Dictionary(minimumCapacity: jobs.count)
        for status in jobs {
            if let key = status.key {
                keyed[key, default: []].append(status)
            } else if let digits = status.digitsInName {
                named[digits, default: []].append(status)
            }
            if status.state == .unknown { unknown = (unknown.count + 1, status.detail) }
        }
    }
}

extension SiteReconciler {
    /// Every job that is the run's attempt: by its comment or, where somebody wrote over that, by its name. Whatever
    /// bears that name runs the attempt's script, and would claim the run if it could.
    func statuses(of run: TrackedRun, _ attempt: RunLifecycle.Attempt, in jobs: JobsByAttempt) -> [JobStatus] {
        let found = jobs.keyed[attempt.key] ?? []
        guard !jobs.named.isEmpty, run.lifecycle.adopted == nil else { return found }
        return found + (jobs.named[attempt.key.short] ?? [])
    }

    /// Live jobs of attempts that are over, or of no attempt under way, with the keys of these.
    func strays(
        among jobs: JobsByAttempt, current: Set<AttemptKey>
    ) async throws(LedgerError) -> [(key: AttemptKey, status: JobStatus)] {
        func isAlive(_ status: JobStatus) -> Bool {
            status.state != .unknown && (!status.state.isTerminal || status.flags.contains(.completing))
        }
        var found: [(key: AttemptKey, status: JobStatus)] = []
        for (key, all) in jobs.keyed where !current.contains(key) {
            for status in all where isAlive(status) { found.append((key, status)) }
        }
        if !jobs.named.isEmpty {
            let underWay = Set(current.map(\.short))
            let names = jobs.named.filter { digits, all in
                !underWay.contains(digits) && !foreignNames.contains(digits) && all.contains(where: isAlive)
            }
            for key in try await attempts(named: names.keys) {
                for status in names[key.short] ?? [] where isAlive(status) { found.append((key, status)) }
            }
        }
        return found.sorted { $0.status.job < $1.status.job }
    }

    private func attempts(named digits: some Collection<String>) async throws(LedgerError) -> [AttemptKey] {
        guard !digits.isEmpty else { return [] }
        let known = try await ledger.attempts(named: Array(digits))
        // Keys are made at random: what is nobody's now stays so.
        foreignNames.formUnion(Set(digits).subtracting(known.map(\.short)))
        if foreignNames.count > Limits.foreignNames { foreignNames = [] }
        return known
    }

    /// A hand-written job bears no name of ours: what somebody wrote over its comment can only be put back. True when
    /// that was done, or nobody could say whether it can be.
    func takesBack(_ run: TrackedRun, _ attempt: RunLifecycle.Attempt) async throws(LedgerError) -> Bool {
        guard let adopted = run.lifecycle.adopted, let job = run.lifecycle.job, !adopted.name.isEmpty else {
            return false
        }
        let last = job.incarnation
        do throws(SchedulerError) {
            guard let status = try await scheduler.load(job.id), status.name == adopted.name, status.key == nil,
                !status.state.isTerminal, status.restartCount >= last.number
            else { return false }
            // Another job may have the number by now, and even the name.
            if status.restartCount == last.number, let startedAt = last.startedAt, status.startedAt != startedAt {
                return false
            }
            try await scheduler.adopt(JobAdoption(job: job.id, name: adopted.name, to: attempt.key))
        } catch {
            switch error {
            case .later, .unavailable, .ambiguous: return true
            case .rejected, .notFound, .keyMismatch, .notPermitted, .wrongState: return false
            }
        }
        try await ledger.note(
            "comment-changed", "somebody wrote over the comment of job \(job.id); it carries Molt's key again",
            about: run)
        hurry()
        return true
    }
}
