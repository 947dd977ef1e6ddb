import MoltCore
import MoltLifecycle
import MoltScheduler

/// What of a job its site, an administrator or its owner may change behind our back.
struct JobShape: Hashable, Sendable {
    /// Nil where the site decides.
    var partition: String?
    /// Seconds.
    var timeLimit: Double?
    /// False when its comment is not the one that we gave it.
    var hasKey = true

    init(_ request: JobRequest) {
        partition = request.partition
        timeLimit = request.timeLimit
    }

    init(_ status: JobStatus) {
        partition = status.partition.isEmpty ? nil : status.partition
        timeLimit = status.timeLimit
        hasKey = status.key != nil
    }

    /// What is no longer as it was, for people; Slurm counts a limit in whole minutes.
    func changes(to new: JobShape) -> [String] {
        var texts: [String] = []
        if let old = partition, let now = new.partition, old != now {
            texts.append("its partition is \(now), not \(old)")
        }
        if let old = timeLimit, let now = new.timeLimit, abs(old - now) >= 60 {
            texts.append("its time limit is \(Durations.text(now)), not \(Durations.text(old))")
        }
        return texts.map { DisplayText.escaped($0, limit: 200) }
    }

    /// As far as it is known by now.
    func completed(by old: JobShape?) -> JobShape {
        var shape = self
        shape.partition = partition ?? old?.partition
        shape.timeLimit = timeLimit ?? old?.timeLimit
        return shape
    }
}

extension SiteReconciler {
    /// Its user reads of what has been changed, and a job that runs asks when it ends now.
    func tellChanges(
        of status: JobStatus, _ attempt: RunLifecycle.Attempt, _ run: TrackedRun
    ) async throws(LedgerError) {
        let limit = shapes[attempt.key]?.timeLimit
        for change in changes(of: status, attempt.key) {
            try await ledger.note(change.kind, change.message, about: run)
        }
        guard status.state == .running, let limit, let now = status.timeLimit, limit != now else { return }
        await ledger.tellLimit(now, to: run, attempt)
    }

    /// What has been changed about an attempt's job since it was sent, or since it was last seen; told once.
    func changes(of status: JobStatus, _ key: AttemptKey) -> [(kind: String, message: String)] {
        guard !status.state.isTerminal else { return [] }
        let old = shapes[key], new = JobShape(status).completed(by: old)
        guard new != old else { return [] }
        shapes[key] = new
        var found: [(kind: String, message: String)] = []
        if !new.hasKey, old?.hasKey != false {
            found.append((
                "comment-changed",
                "the site or somebody wrote over the comment of job \(status.job); Molt knows it by its name"
            ))
        }
        if let texts = old?.changes(to: new), !texts.isEmpty {
            let what = texts.joined(separator: "; ")
            found.append(("changed", "job \(status.job) was changed by the site or by somebody: \(what)"))
        }
        return found
    }
}
