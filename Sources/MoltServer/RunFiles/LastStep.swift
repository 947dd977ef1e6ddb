import MoltLifecycle

/// How the ranks of a hand-written job's newest step ended. Its script ends with the status of its last line, an `echo`
/// perhaps, whatever became of them.
struct LastStep: Hashable, Sendable {
    var ends: [WorkerEnd]
    /// What was said of the first rank that was ended because it made no progress.
    var hang: String?

    /// The rank that failed before the others.
    var firstToFail: WorkerEnd? { Remains(workerEnds: ends).firstToFail }

    /// The end that the step is to be judged by; nil when all is well. One that saved and wants to be continued counts
    /// before one that was told to stop: only one of them may have had the time to say so.
    var worst: WorkerEnd? {
        firstToFail ?? ends.filter { $0.signal != nil || $0.status ?? 0 != 0 }
            .min { ($0.status == nil ? 1 : 0, $0.endedAt, $0.rank) < ($1.status == nil ? 1 : 0, $1.endedAt, $1.rank) }
    }
}

extension WorkerEnd {
    /// As a shell reports it.
    var code: Int32 { status ?? 128 + (signal ?? 0) }

    var words: String {
        "rank \(rank) on \(host) ended with \(signal.map { "signal \($0)" } ?? "status \(status ?? 0)")"
    }
}
