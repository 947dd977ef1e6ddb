package import MoltCore
package import MoltScheduler

/// One of the ways in which a site's Slurm can be spoken to.
package struct Way: Sendable {
    package var name: String
    package var scheduler: any Scheduler
    /// Says more than that it answers, when it does; `slurmrestd v0.0.38 of slurm 22.05.8`.
    package var describe: @Sendable () async throws(SchedulerError) -> String

    package init(
        name: String, scheduler: any Scheduler,
        describe: @escaping @Sendable () async throws(SchedulerError) -> String = { () throws(SchedulerError) in "" }
    ) {
        self.name = name
        self.scheduler = scheduler
        self.describe = describe
    }
}

/// What a probe of one way has found.
package struct WayReport: Hashable, Sendable {
    package var name: String
    package var answers: Bool
    package var words: String

    package init(name: String, answers: Bool, words: String) {
        self.name = name
        self.answers = answers
        self.words = words
    }
}

/// A site that names no way: the first that answers is used from then on. All of them lead to the same controller, so
/// nothing is lost if a later daemon chooses another.
package actor SchedulerChoice: Scheduler {
    private let ways: [Way]
    private var chosen: Way?

    /// - Parameter ways: the best first.
    package init(_ ways: [Way]) {
        self.ways = ways
    }

    /// The way in use; nil until one has answered.
    package var inUse: String? { chosen?.name }

    /// Asks every way at once whether it answers.
    package func probe() async -> [WayReport] {
        let reports = await withTaskGroup(of: (Int, WayReport).self) { group in
            for (index, way) in ways.enumerated() {
                group.addTask { (index, await Self.ask(way)) }
            }
            var found: [Int: WayReport] = [:]
            for await (index, report) in group { found[index] = report }
            return found
        }
        return ways.indices.compactMap { reports[$0] }
    }

    private static func ask(_ way: Way) async -> WayReport {
        do throws(SchedulerError) {
            try await way.scheduler.ping()
            return WayReport(name: way.name, answers: true, words: try await way.describe())
        } catch {
            return WayReport(name: way.name, answers: false, words: words(error))
        }
    }

    private func way() async throws(SchedulerError) -> any Scheduler {
        if let chosen { return chosen.scheduler }
        let reports = await probe()
        // Another caller may have been quicker.
        if let chosen { return chosen.scheduler }
        guard let index = reports.firstIndex(where: \.answers) else {
            let refusals = reports.map { "\($0.name): \($0.words)" }
            throw .unavailable(message: refusals.joined(separator: "; "))
        }
        chosen = ways[index]
        return ways[index].scheduler
    }

    private static func words(_ error: SchedulerError) -> String {
        switch error {
        case .rejected(_, let message), .later(let message), .ambiguous(let message), .unavailable(let message),
            .notPermitted(let message), .wrongState(_, let message):
            message
        case .notFound(let job): "job \(job) is unknown"
        case .keyMismatch(let job): "job \(job) is not ours"
        }
    }

    // MARK: Scheduler

    package func submit(_ request: JobRequest) async throws(SchedulerError) -> SubmitReply {
        try await way().submit(request)
    }

    package func loadJobs() async throws(SchedulerError) -> JobTable { try await way().loadJobs() }

    package func load(_ job: UInt32) async throws(SchedulerError) -> JobStatus? { try await way().load(job) }

    package func cancel(_ job: UInt32, key: AttemptKey) async throws(SchedulerError) {
        try await way().cancel(job, key: key)
    }

    package func signal(
        _ job: UInt32, key: AttemptKey, signal: Int32, to target: SignalTarget
    ) async throws(SchedulerError) {
        try await way().signal(job, key: key, signal: signal, to: target)
    }

    package func requeue(_ job: UInt32, key: AttemptKey) async throws(SchedulerError) {
        try await way().requeue(job, key: key)
    }

    package func update(_ job: UInt32, key: AttemptKey, change: JobChange) async throws(SchedulerError) {
        try await way().update(job, key: key, change: change)
    }

    package func adopt(_ adoption: JobAdoption) async throws(SchedulerError) { try await way().adopt(adoption) }

    package func ranking(_ job: UInt32) async throws(SchedulerError) -> JobRanking? { try await way().ranking(job) }

    package func inject(_ fault: JobFault, into job: UInt32, key: AttemptKey) async throws(SchedulerError) {
        try await way().inject(fault, into: job, key: key)
    }

    package func configuration() async throws(SchedulerError) -> SchedulerConfiguration {
        try await way().configuration()
    }

    package func ping() async throws(SchedulerError) { try await way().ping() }
}
