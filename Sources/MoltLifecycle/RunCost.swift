package import MoltCore

/// Splits the time of one run by what it was spent on; pure.
package struct RunCost: Sendable {
    /// One start of a job, as the store and rank 0's event file tell it.
    package struct Start: Sendable {
        package var startedAt: Double
        /// Now, for one that runs.
        package var endedAt: Double
        /// Why it ended; nil while it runs.
        package var outcome: String?
        package var nodes: [String]
        /// Of rank 0, in the order in which they were written.
        package var events: [RunEvent]

        package init(
            startedAt: Double, endedAt: Double, outcome: String?, nodes: [String], events: [RunEvent]
        ) {
            self.startedAt = startedAt
            self.endedAt = endedAt
            self.outcome = outcome
            self.nodes = nodes
            self.events = events
        }

        /// The first step that it took.
        package var firstStep: Int? { events.first { ($0.kind ?? .step) == .step && $0.step != nil }?.step }
    }

    /// An incarnation's end by something other than the run's own end or the user.
    package struct Interruption: Sendable {
        package var cause: String
        package var nodes: [String]
        /// Its repeated steps, the hand-over after it, and the next start's way back to training.
        package var account: TimeAccount
    }

    /// Those that reach into the time that is asked for.
    package private(set) var starts: [Start] = []
    /// Of each start, without waiting.
    package private(set) var accounts: [TimeAccount] = []
    package private(set) var total = TimeAccount()
    package private(set) var interruptions: [Interruption] = []

    /// - Parameters:
    ///   - end: when a run that never started was over, or now.
    ///   - since: what was before is not counted, though it tells what was done in vain.
    package init(createdAt: Double, starts: [Start], end: Double, since: Double = -.infinity) {
        // What a later incarnation began with, all earlier ones have done in vain.
        var redone = Int.max
        for start in starts.reversed() {
            accounts.append(Self.account(start, redoneFrom: redone, since: since))
            if let first = start.firstStep { redone = min(redone, first) }
        }
        accounts.reverse()
        for account in accounts { total += account }
        total.queue = max(0, (starts.first?.startedAt ?? end) - max(createdAt, since))
        for (index, start) in starts.enumerated() {
            guard let cause = start.outcome, !Self.intended.contains(cause) else { continue }
            var loss = TimeAccount()
            loss.repeated = accounts[index].repeated
            if index + 1 < starts.count {
                loss.handOver = max(0, starts[index + 1].startedAt - max(start.endedAt, since))
                loss.start = accounts[index + 1].start
                loss.load = accounts[index + 1].load
            }
            total.handOver += loss.handOver
            guard start.endedAt > since || loss != TimeAccount() else { continue }
            interruptions.append(Interruption(cause: cause, nodes: start.nodes, account: loss))
        }
        self.starts = starts.filter { $0.endedAt > since }
        accounts = zip(starts, accounts).filter { $0.0.endedAt > since }.map(\.1)
    }

    /// Ends that somebody wanted.
    private static let intended = Set([Cause.done, .stopped, .cancelled, .cancelledElsewhere].map(\.rawValue))

    private static func account(_ start: Start, redoneFrom redone: Int, since: Double) -> TimeAccount {
        var account = TimeAccount(), phase = RunEvent.Phase.start, unfinished = 0.0
        var now = max(start.startedAt, min(since, start.endedAt))
        let usual = median(start.events.compactMap { ($0.kind ?? .step) == .step ? $0.seconds : nil })
        for event in start.events {
            guard let at = event.at else { continue }
            let seconds = max(0, min(at, start.endedAt) - now)
            now = max(now, min(at, start.endedAt))
            if phase == .step { unfinished += seconds } else { account[keyPath: key(phase)] += seconds }
            switch event.kind ?? .step {
            case .step:
                let excess = usual.map { max(0, unfinished - 3 * $0) } ?? 0
                if event.step ?? 0 >= redone {
                    account.repeated += unfinished
                } else {
                    account.productive += unfinished - excess
                    account.stall += excess
                }
                unfinished = 0
                phase = .step
            case .phase:
                // Time in a step between the last one's end and a save or a validation is the trainer's own.
                if event.phase != .step { settle(&account, &unfinished) }
                phase = event.phase ?? phase
            case .validation, .saved, .saveFailed, .loaded, .rejectedCheckpoint, .numericsChanged, .started, .ended,
                .slowRank, .slowRankOver, .note:
                break
            }
        }
        close(&account, phase, unfinished, rest: max(0, start.endedAt - now), usual, start.outcome)
        return account
    }

    /// The end, in the middle of something: a step that was begun is done again, but none takes more than three times
    /// the usual, and in one that hung nothing was done.
    private static func close(
        _ account: inout TimeAccount, _ phase: RunEvent.Phase, _ unfinished: Double, rest: Double, _ usual: Double?,
        _ outcome: String?
    ) {
        let hung = outcome == Cause.noProgress.rawValue
        guard phase == .step else {
            account[keyPath: hung ? \.stall : key(phase)] += rest
            return
        }
        let silence = unfinished + rest
        let excess = usual.map { max(0, silence - 3 * $0) } ?? (hung ? silence : 0)
        account.repeated += silence - excess
        account.stall += excess
    }

    private static func settle(_ account: inout TimeAccount, _ unfinished: inout Double) {
        account.productive += unfinished
        unfinished = 0
    }

    private static func key(_ phase: RunEvent.Phase) -> WritableKeyPath<TimeAccount, Double> {
        switch phase {
        case .start: \.start
        case .load, .data: \.load
        case .step: \.productive
        case .save: \.save
        case .evaluate: \.evaluate
        case .finish: \.finish
        }
    }

    private static func median(_ values: [Double]) -> Double? {
        values.isEmpty ? nil : values.sorted()[values.count / 2]
    }
}
