import MoltAPI
import MoltCore
import MoltLifecycle
import MoltStore

/// What the ledger of checkpoints and the ends of incarnations say about how often to save.
enum Saving {
    static func detail(
        _ checkpoints: [CheckpointRecord], _ incarnations: [IncarnationRecord], every: Double?, now: Double
    ) -> SavingDetail? {
        // Most of a save goes on beside training: what it costs is the wait, where that was measured.
        let costs = checkpoints.compactMap { $0.stall ?? $0.seconds }
        guard !costs.isEmpty else { return nil }
        let cost = costs.reduce(0, +) / Double(costs.count)
        let ran = incarnations.reduce(0) { sum, one in
            sum + (one.startedAt.map { max(0, (one.endedAt ?? now) - $0) } ?? 0)
        }
        let interruptions = incarnations.count { $0.outcome.flatMap(Cause.init(rawValue:))?.isInterruption ?? false }
        guard let best = SaveInterval.best(cost: cost, interruptions: interruptions, in: ran) else { return nil }
        return SavingDetail(every: every, cost: cost, interruptions: interruptions, ran: ran, best: best)
    }
}
