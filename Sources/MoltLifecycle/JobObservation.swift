package import MoltCore

/// What the scheduler said about one job at one moment, in the lifecycle's own words.
package struct JobObservation: Hashable, Sendable, Codable {
    package var job: UInt32
    package var key: AttemptKey?
    package var base: Base
    package var flags: Flags
    /// Slurm's word for why it waits (`Resources`, `BeginTime`, `JobHeldUser`, …).
    package var reason: String
    package var restartCount: Int
    package var exitStatus: Int32
    package var exitSignal: Int32
    /// Set when the low byte of the exit word is Slurm's mark of the out-of-memory killer.
    package var outOfMemoryMark: Bool
    package var nodes: [String]
    package var submittedAt: Double?
    package var eligibleAt: Double?
    package var startedAt: Double?
    package var endsAt: Double?
    package var preemptedAt: Double?
    /// The scheduler's clock when it said so, in seconds since 1970.
    package var asOf: Double

    /// Slurm's base states (`job_state & 0xff`).
    package enum Base: Int, Hashable, Sendable, Codable, CaseIterable {
        case pending = 0, running, suspended, complete, cancelled, failed, timeout, nodeFail, preempted, bootFail
        case deadline, outOfMemory

        package var isTerminal: Bool {
            switch self {
            case .pending, .running, .suspended: false
            case .complete, .cancelled, .failed, .timeout, .nodeFail, .preempted, .bootFail, .deadline,
                .outOfMemory: true
            }
        }
    }

    /// Slurm's state flags (`job_state & ~0xff`).
    package struct Flags: OptionSet, Hashable, Sendable, Codable {
        package let rawValue: UInt32

        package init(rawValue: UInt32) {
            self.rawValue = rawValue
        }

        package static let requeued = Flags(rawValue: 0x400)
        package static let specialExit = Flags(rawValue: 0x1000)
        package static let resizing = Flags(rawValue: 0x2000)
        package static let configuring = Flags(rawValue: 0x4000)
        package static let completing = Flags(rawValue: 0x8000)
        package static let stopped = Flags(rawValue: 0x10000)
        package static let poweringUp = Flags(rawValue: 0x40000)
        package static let revoked = Flags(rawValue: 0x80000)
        package static let requeuedInFederation = Flags(rawValue: 0x100000)
    }

    package init(job: UInt32, key: AttemptKey?, base: Base, flags: Flags = [], reason: String = "None", asOf: Double) {
        self.job = job
        self.key = key
        self.base = base
        self.flags = flags
        self.reason = reason
        self.asOf = asOf
        restartCount = 0
        exitStatus = 0
        exitSignal = 0
        outOfMemoryMark = false
        nodes = []
    }
}
