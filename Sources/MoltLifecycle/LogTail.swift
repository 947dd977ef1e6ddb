/// The end of a log that an incarnation left, as far as it was read.
package struct LogTail: Hashable, Sendable, Codable {
    package enum Source: Hashable, Sendable, Codable {
        /// A worker's own output.
        case rank(Int)
        /// What `molt-job` wrote.
        case job
        /// What the scheduler wrote: the batch step's output.
        case scheduler
    }

    package var source: Source
    package var text: String

    package init(_ source: Source, _ text: String) {
        self.source = source
        self.text = text
    }
}

/// How one worker ended, as the process beside it recorded it (`rank-<r>.exit.json`).
package struct WorkerEnd: Hashable, Sendable, Codable {
    package var rank: Int
    package var host: String
    package var status: Int32?
    package var signal: Int32?
    package var endedAt: Double

    package init(rank: Int, host: String, status: Int32? = nil, signal: Int32? = nil, endedAt: Double) {
        self.rank = rank
        self.host = host
        self.status = status
        self.signal = signal
        self.endedAt = endedAt
    }

    /// False for one that ended in good order, or because it was told to stop.
    var hasFailed: Bool {
        switch (status, signal) {
        case (0?, _), (75?, _): false
        case (nil, let signal?): signal != 15 && signal != 2
        case (nil, nil): false
        case (.some, _): true
        }
    }
}

/// How a batch script ended: what accounting would know, where there is none.
package struct ScriptEnd: Hashable, Sendable, Codable {
    package var status: Int32?
    package var signal: Int32?
    package var endedAt: Double

    package init(status: Int32? = nil, signal: Int32? = nil, endedAt: Double) {
        self.status = status
        self.signal = signal
        self.endedAt = endedAt
    }

    /// `status 1`, `signal 9`.
    var words: String { signal.map { "signal \($0)" } ?? "status \(status ?? 0)" }
}

/// What an incarnation left behind that tells how it ended; bounded, and read only once it has ended.
package struct Remains: Hashable, Sendable, Codable {
    package var tails: [LogTail]
    package var workerEnds: [WorkerEnd]
    /// What rank 0 was busy with when it last wrote.
    package var phase: String?
    package var lastStep: Int?
    /// How the batch script ended, as the Slurm plugin saw it.
    package var scriptEnd: ScriptEnd?
    /// Nodes on which the Slurm plugin refused to start a rank.
    package var unfitNodes: [String] = []

    package init(
        tails: [LogTail] = [], workerEnds: [WorkerEnd] = [], phase: String? = nil, lastStep: Int? = nil
    ) {
        self.tails = tails
        self.workerEnds = workerEnds
        self.phase = phase
        self.lastStep = lastStep
    }

    /// The worker that failed before all others.
    package var firstToFail: WorkerEnd? {
        workerEnds.filter(\.hasFailed).min { ($0.endedAt, $0.rank) < ($1.endedAt, $1.rank) }
    }
}
