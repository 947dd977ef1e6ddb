import FoundationEssentials
package import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// How one worker ended, recorded by the process that watched it (`rank-<r>.exit.json`).
package struct RankEnd: Codable, Hashable, Sendable {
    package var rank: Int
    package var host: String
    /// The exit status, or nil when a signal ended it.
    package var status: Int32?
    package var signal: Int32?
    package var startedAt: Double
    package var endedAt: Double
    /// Why its watcher ended it, if it did.
    package var reason: String?

    package init(
        rank: Int, host: String, status: Int32?, signal: Int32?, startedAt: Double, endedAt: Double,
        reason: String? = nil
    ) {
        self.rank = rank
        self.host = host
        self.status = status
        self.signal = signal
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.reason = reason
    }

    /// As a shell would say it: the status, or 128 + signal.
    package var code: Int32 { status ?? 128 + (signal ?? 0) }

    /// True for a worker that the stop signal itself ended, because it had no handler (yet).
    package var diedOfStopSignal: Bool {
        signal.map { StopSignals.all.contains($0) } ?? false
    }

    /// `rank 3 on n2 was killed by SIGSEGV`.
    package var sentence: String {
        if let reason { return "rank \(rank) on \(host): \(reason)" }
        if let signal { return "rank \(rank) on \(host) was killed by \(StopSignals.name(signal))" }
        return "rank \(rank) on \(host) ended with status \(status ?? 0)"
    }

    package static func path(folder: String, rank: Int) -> String { "\(folder)/rank-\(rank).exit.json" }

    /// Ranks that ended badly as the Slurm plugin saw it (`step-<s>.rank-<r>.json`); the workers' step comes before any
    /// that a worker has started. That a rank is done only its own watcher may say.
    static func ofPlugin(folder: String) -> [Int: RankEnd] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        var found: [Int: (step: Int, end: RankEnd)] = [:]
        for name in names where name.hasPrefix("step-") && name.hasSuffix(".json") {
            guard let step = Int(name.dropFirst("step-".count).prefix { $0 != "." }),
                let end = try? JSONFile.read(RankEnd.self, from: "\(folder)/\(name)"), end.code != 0,
                step < found[end.rank]?.step ?? .max
            else { continue }
            found[end.rank] = (step, end)
        }
        return found.mapValues(\.end)
    }
}

/// The signals that ask a run to save and stop.
package enum StopSignals {
    package static let all: [Int32] = [SIGTERM, SIGUSR1, SIGUSR2, SIGINT]

    package static func name(_ signal: Int32) -> String {
        names[signal] ?? "signal \(signal)"
    }

    private static let names: [Int32: String] = [
        SIGHUP: "SIGHUP", SIGINT: "SIGINT", SIGQUIT: "SIGQUIT", SIGILL: "SIGILL", SIGABRT: "SIGABRT",
        SIGBUS: "SIGBUS", SIGFPE: "SIGFPE", SIGKILL: "SIGKILL", SIGSEGV: "SIGSEGV", SIGPIPE: "SIGPIPE",
        SIGALRM: "SIGALRM", SIGTERM: "SIGTERM", SIGUSR1: "SIGUSR1", SIGUSR2: "SIGUSR2", SIGSYS: "SIGSYS",
        SIGXCPU: "SIGXCPU", SIGXFSZ: "SIGXFSZ",
    ]
}

/// What the ends of all ranks mean together.
package struct Verdict: Hashable, Sendable {
    package var code: Int32
    package var reason: String
    package var failedRank: Int?

    package init(_ exit: JobExit, _ reason: String, failedRank: Int? = nil) {
        self.init(code: exit.rawValue, reason, failedRank: failedRank)
    }

    package init(code: Int32, _ reason: String, failedRank: Int? = nil) {
        self.code = code
        self.reason = reason
        self.failedRank = failedRank
    }

    /// The worst rank decides: what a worker said on purpose (76 to 80) before crashes, of which the first counts;
    /// then "continue me", then done.
    ///
    /// - Parameters:
    ///   - expected: ranks that were started.
    ///   - killed: ranks that we killed because another had failed: their end says nothing.
    ///   - launcherCode: how srun itself ended; it speaks for ranks that left no record.
    ///   - stopAsked: whether a stop was passed on to srun, which dies of it while it has no handlers yet.
    package static func of(
        _ ends: [RankEnd], expected: Int, killed: Set<Int> = [], launcherCode: Int32 = 0, stopAsked: Bool = false
    ) -> Verdict {
        let own = ends.filter { !killed.contains($0.rank) }.sorted { ($0.endedAt, $0.rank) < ($1.endedAt, $1.rank) }
        for exit in [JobExit.userError, .numerics, .fenced, .unfitNode, .noProgress] {
            if let end = own.first(where: { $0.status == exit.rawValue }) {
                return Verdict(exit, end.sentence, failedRank: end.rank)
            }
        }
        let isStop = { (end: RankEnd) in end.status == JobExit.continueMe.rawValue || end.diedOfStopSignal }
        if let crash = own.first(where: { $0.code != 0 && !isStop($0) }) {
            return Verdict(code: crash.code, crash.sentence, failedRank: crash.rank)
        }
        let silent = expected - ends.count - killed.subtracting(ends.map(\.rank)).count
        if silent > 0 {
            if stopAsked, StopSignals.all.contains(launcherCode - 128), own.allSatisfy(isStop) {
                return Verdict(.continueMe, "stopped: srun died of \(StopSignals.name(launcherCode - 128))")
            }
            let stopped = own.contains(where: isStop) && launcherCode == 0
            if !stopped {
                let code = launcherCode == 0 || launcherCode == JobExit.continueMe.rawValue ? 1 : launcherCode
                return Verdict(code: code, "\(silent) of \(expected) ranks ended without a record")
            }
        }
        if let stop = own.first(where: isStop) { return Verdict(.continueMe, "stopped: \(stop.sentence)") }
        return Verdict(.done, "all \(expected) ranks are done")
    }
}
