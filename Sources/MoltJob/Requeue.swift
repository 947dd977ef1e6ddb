import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// Puts our own job back into the queue: only after a stop for wall time, and only when no daemon would do it.
enum Requeue {
    static func ifDaemonIsGone(
        plan: LaunchPlan, job: UInt32, endsAt: Double?, environment: [String: String], log: JobLog
    ) {
        guard plan.launcher == .srun, job > 0 else { return }
        guard !daemonLives(plan.daemonFile, until: endsAt.map { $0 - reserve } ?? 0) else { return }
        log.say("the daemon is silent: this job requeues itself")
        log.event(.note, "the daemon is silent: the job requeues itself for the next part")
        do {
            try Failpoints.pass(.requeueBegan)
            let child = try Child.start(["scontrol", "requeue", "\(job)"], environment: environment)
            var word: Int32 = 0
            waitpid(child.pid, &word, 0)
            if Child.status(word) != 0 { log.say("scontrol requeue ended with \(word)") }
            try Failpoints.pass(.requeued)
        } catch {
            log.say("cannot requeue: \(error)")
        }
    }

    /// Seconds that `scontrol` needs before the allocation ends.
    private static let reserve = 5.0
    private static let pollInterval: UInt32 = 500_000

    /// Looks at the daemon's file until it proves something: a new heartbeat, a dead process, a lease that is over.
    /// When the allocation ends first, requeuing is the safe side: a daemon that lives takes the job up from there.
    private static func daemonLives(_ path: String, until end: Double) -> Bool {
        guard let first = try? JSONFile.read(DaemonFile.self, from: path) else { return false }
        var newest = first
        while true {
            if let verdict = DaemonSign.of(first: first, newest: newest, now: Clock.now()) { return verdict }
            guard Clock.now() < end else { return false }
            usleep(pollInterval)
            guard let next = try? JSONFile.read(DaemonFile.self, from: path) else { return false }
            newest = next
        }
    }
}
