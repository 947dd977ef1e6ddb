import FoundationEssentials
package import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// What the scheduler tells an incarnation about itself, through the environment.
package struct JobContext: Hashable, Sendable {
    package var jobID: UInt32
    /// Slurm sets its restart count only above zero.
    package var incarnation: Int
    package var host: String
    /// Every node of the allocation, the batch host first; empty when unknown.
    package var hosts: [String]
    package var startedAt: Double
    /// Seconds since 1970 at which the scheduler ends the job; nil without a limit that we know.
    package var endsAt: Double?
    /// True when the scheduler said so itself, and not the plan, which knows nothing of a prolog or a later change.
    package var isEndTold: Bool
    /// The key in the job's environment; another one than the plan's means that this is not our attempt.
    package var key: AttemptKey?

    package init(environment: [String: String], plan: LaunchPlan, now: Double) {
        jobID = environment["SLURM_JOB_ID"].flatMap { UInt32($0) } ?? 0
        incarnation = environment["SLURM_RESTART_COUNT"].flatMap { Int($0) } ?? 0
        host = environment["SLURMD_NODENAME"] ?? Self.hostName()
        hosts = environment["SLURM_JOB_NODELIST"].flatMap(HostList.expand) ?? []
        startedAt = environment["SLURM_JOB_START_TIME"].flatMap { Double($0) } ?? now
        let told = environment["SLURM_JOB_END_TIME"].flatMap { Double($0) }
        isEndTold = told != nil
        endsAt = told ?? plan.timeLimit.map { startedAt + $0 }
        key = environment[WorkerEnvironment.key].flatMap(AttemptKey.init(rawValue:))
    }

    package static func hostName() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// Clocks of this machine, in seconds.
enum Clock {
    /// Since 1970.
    static func now() -> Double { read(CLOCK_REALTIME) }
    /// Never set back; goes on while this process is stopped.
    static func steady() -> Double { read(CLOCK_MONOTONIC) }

    private static func read(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
