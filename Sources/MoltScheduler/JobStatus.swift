package import MoltCore

/// A job as its scheduler sees it; the numbers are Slurm's, the local backend speaks them too.
package struct JobStatus: Hashable, Sendable, Codable {
    package var job: UInt32
    package var name: String
    package var comment: String
    package var userID: UInt32
    package var state: JobState
    package var flags: JobFlags
    /// Slurm's reason number and its word (`Resources`, `BeginTime`, `JobHeldUser`, …).
    package var reasonCode: UInt32
    package var reason: String
    /// What the scheduler adds in its own words ("launch failed requeued held"); empty when it says nothing more.
    package var detail: String
    package var restartCount: Int
    /// A wait(2) word: low 7 bits signal, bits 8–15 exit status.
    package var exitWord: Int32
    package var partition: String
    /// Slurm's own figure; the higher goes first.
    package var priority: UInt32?
    package var nodes: [String]
    /// The array or the heterogeneous job that it is a part of; its waiting members are one job to the scheduler.
    package var group: UInt32?
    /// Seconds; nil means unlimited or unknown.
    package var timeLimit: Double?
    /// Seconds since 1970 by the scheduler's clock; nil when it has none.
    package var submittedAt: Double?
    package var eligibleAt: Double?
    package var startedAt: Double?
    package var endsAt: Double?
    package var preemptedAt: Double?
    /// The file that a script writes to, where a single job was asked for; nil when nobody says.
    package var output: String?

    package var key: AttemptKey? { AttemptKey(comment: comment) }
    /// The ten digits of a key that end the name (`<run>.<digits>`); nil where the comment says more. A name that ends
    /// like this proves nothing before the digits are compared with a key's.
    package var digitsInName: String? {
        guard key == nil else { return nil }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count >= 2, let digits = parts.last, digits.utf8.count == 10,
            digits.allSatisfy({ "0123456789abcdef".contains($0) })
        else { return nil }
        return String(digits)
    }
    /// True for a job that may be one of any Molt of this user: by its comment, or by its name where somebody writes
    /// over comments.
    package var isOurs: Bool { key != nil || digitsInName != nil }

    /// True when the job is the attempt's: its comment says so or, where somebody wrote over that, its name. A comment
    /// with another key is worth more than a name.
    package func carries(_ key: AttemptKey) -> Bool {
        if let own = self.key { return own == key }
        return digitsInName == key.short
    }

    package var exitStatus: Int32 { (exitWord >> 8) & 0xff }
    package var exitSignal: Int32 { exitWord & 0x7f }

    /// The limit that ends a running job soon but leaves it time to save, in minutes; nil when it ends by then anyhow.
    /// Slurm counts limits in whole minutes from the start: the second one from now.
    package func nearLimit(now: Double) -> UInt32? {
        guard let startedAt else { return nil }
        let minutes = UInt32(max(0, (now - startedAt) / 60)) + 2
        if let timeLimit, timeLimit <= Double(minutes) * 60 { return nil }
        return minutes
    }

    package init(job: UInt32, name: String, comment: String, userID: UInt32, state: JobState) {
        self.job = job
        self.name = name
        self.comment = comment
        self.userID = userID
        self.state = state
        flags = []
        reasonCode = 0
        reason = "None"
        detail = ""
        restartCount = 0
        exitWord = 0
        partition = ""
        nodes = []
    }
}

/// Slurm's base states (`job_state & 0xff`).
package enum JobState: Int, Hashable, Sendable, Codable, CaseIterable {
    case pending = 0, running, suspended, complete, cancelled, failed, timeout, nodeFail, preempted, bootFail
    case deadline, outOfMemory
    /// One that no release up to 26.05 has; `JobStatus.detail` names it. It says nothing but that the job is there.
    case unknown = 255

    package var isTerminal: Bool {
        switch self {
        case .pending, .running, .suspended, .unknown: false
        case .complete, .cancelled, .failed, .timeout, .nodeFail, .preempted, .bootFail, .deadline, .outOfMemory: true
        }
    }
}

/// Slurm's state flags (`job_state & ~0xff`).
package struct JobFlags: OptionSet, Hashable, Sendable, Codable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    package static let requeued = JobFlags(rawValue: 0x400)
    package static let specialExit = JobFlags(rawValue: 0x1000)
    package static let resizing = JobFlags(rawValue: 0x2000)
    package static let configuring = JobFlags(rawValue: 0x4000)
    package static let completing = JobFlags(rawValue: 0x8000)
    package static let stopped = JobFlags(rawValue: 0x10000)
    package static let poweringUp = JobFlags(rawValue: 0x40000)
}
