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

/// A site that names no way: the first that answers is used. All of them lead to the same controller, so a change loses
/// nothing: one that answers nothing for a minute (its library is gone after an upgrade, say) gives way to another
/// that does, and while it is not the best, the better ones are asked for again every quarter of an hour.
package actor SchedulerChoice: Scheduler {
    private let ways: [Way]
    private let now: @Sendable () -> Double
    private var chosen: Int?
    /// Since when the chosen way has been nothing but unavailable.
    private var silentSince: Double?
    private var reviewedAt: Double
    private var review: Task<Void, Never>?

    /// - Parameters:
    ///   - ways: the best first.
    ///   - now: seconds on a clock that nobody sets.
    package init(_ ways: [Way], now: @escaping @Sendable () -> Double = { MonotonicTime.now() }) {
        self.ways = ways
        self.now = now
        reviewedAt = now()
    }

    /// The way in use; nil until one has answered.
    package var inUse: String? { chosen.map { ways[$0].name } }

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

    private func way() async throws(SchedulerError) -> Int {
        if let chosen {
            reviewSometimes(chosen)
            return chosen
        }
        let reports = await probe()
        // Another caller may have been quicker.
        if let chosen { return chosen }
        guard let index = reports.firstIndex(where: \.answers) else {
            let refusals = reports.map { "\($0.name): \($0.words)" }
            throw .unavailable(message: refusals.joined(separator: "; "))
        }
        take(index)
        return index
    }

    private func take(_ index: Int) {
        chosen = index
        silentSince = nil
        reviewedAt = now()
    }

    /// One call through the way in use, whose failures are counted against it.
    private func through<Value: Sendable>(
        _ call: @Sendable (any Scheduler) async throws(SchedulerError) -> Value
    ) async throws(SchedulerError) -> Value {
        let index = try await way()
        do throws(SchedulerError) {
            let value = try await call(ways[index].scheduler)
            if chosen == index { silentSince = nil }
            return value
        } catch {
            await note(error, of: index)
            throw error
        }
    }

    private func note(_ error: SchedulerError, of index: Int) async {
        guard chosen == index else { return }
        switch error {
        // Whether anybody was there, nobody knows.
        case .ambiguous: return
        case .unavailable: break
        case .rejected, .later, .notFound, .keyMismatch, .notPermitted, .wrongState:
            silentSince = nil
            return
        }
        guard let since = silentSince else {
            silentSince = now()
            return
        }
        guard now() >= since + Limits.choicePatience else { return }
        silentSince = now()
        let reports = await probe()
        guard chosen == index, let other = reports.firstIndex(where: \.answers) else { return }
        take(other)
    }

    /// While another way than the best is in use; nobody waits for it.
    private func reviewSometimes(_ index: Int) {
        guard index > 0, review == nil, now() >= reviewedAt + Limits.choiceReview else { return }
        reviewedAt = now()
        review = Task { await reconsider(index) }
    }

    private func reconsider(_ index: Int) async {
        for better in 0..<index where await Self.ask(ways[better]).answers {
            if chosen == index { take(better) }
            break
        }
        review = nil
    }

    /// Waits until a review that is under way has ended; for tests.
    package func reviewed() async { await review?.value }

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
        try await through { way throws(SchedulerError) in try await way.submit(request) }
    }

    package func loadJobs() async throws(SchedulerError) -> JobTable {
        try await through { way throws(SchedulerError) in try await way.loadJobs() }
    }

    package func load(_ job: UInt32) async throws(SchedulerError) -> JobStatus? {
        try await through { way throws(SchedulerError) in try await way.load(job) }
    }

    package func cancel(_ job: UInt32, key: AttemptKey) async throws(SchedulerError) {
        try await through { way throws(SchedulerError) in try await way.cancel(job, key: key) }
    }

    package func signal(
        _ job: UInt32, key: AttemptKey, signal: Int32, to target: SignalTarget
    ) async throws(SchedulerError) {
        try await through { way throws(SchedulerError) in
            try await way.signal(job, key: key, signal: signal, to: target)
        }
    }

    package func requeue(_ job: UInt32, key: AttemptKey) async throws(SchedulerError) {
        try await through { way throws(SchedulerError) in try await way.requeue(job, key: key) }
    }

    package func update(_ job: UInt32, key: AttemptKey, change: JobChange) async throws(SchedulerError) {
        try await through { way throws(SchedulerError) in try await way.update(job, key: key, change: change) }
    }

    package func adopt(_ adoption: JobAdoption) async throws(SchedulerError) {
        try await through { way throws(SchedulerError) in try await way.adopt(adoption) }
    }

    package func ranking(_ job: UInt32) async throws(SchedulerError) -> JobRanking? {
        try await through { way throws(SchedulerError) in try await way.ranking(job) }
    }

    package func inject(_ fault: JobFault, into job: UInt32, key: AttemptKey) async throws(SchedulerError) {
        try await through { way throws(SchedulerError) in try await way.inject(fault, into: job, key: key) }
    }

    package func configuration() async throws(SchedulerError) -> SchedulerConfiguration {
        try await through { way throws(SchedulerError) in try await way.configuration() }
    }

    /// Of the way in use: the request went through it.
    package func proofLife() async -> Double? {
        guard let chosen else { return nil }
        return await ways[chosen].scheduler.proofLife()
    }

    package func ping() async throws(SchedulerError) {
        try await through { way throws(SchedulerError) in try await way.ping() }
    }
}
