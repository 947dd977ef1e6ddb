import MoltAPI
import MoltCore
import MoltLifecycle
import MoltStore

/// What the ledger of checkpoints and the ends of incarnations say about how often to save.
enum Saving {
    /// - Parameters:
    ///   - saves: rows of the ledger.
    ///   - lastSaved: the last step that each epoch has saved.
    static func detail(
        _ saves: [CheckpointRecord], lastSaved: [Int: Int], _ incarnations: [IncarnationRecord], every: Double?,
        now: Double
    ) -> SavingDetail? {
        // Most of a periodic save goes on beside training: it costs the wait. The one before a stop, for which all
        // wait to its end, has none that was measured, and says nothing about the others.
        let stalls = saves.compactMap(\.stall)
        let costs = stalls.isEmpty ? saves.compactMap(\.seconds) : stalls
        guard !costs.isEmpty else { return nil }
        let cost = costs.reduce(0, +) / Double(costs.count)
        let ran = incarnations.reduce(0) { sum, one in
            sum + (one.startedAt.map { max(0, (one.endedAt ?? now) - $0) } ?? 0)
        }
        let interruptions = incarnations.count { hasLostWork($0, lastSaved) }
        guard let best = SaveInterval.best(cost: cost, interruptions: interruptions, in: ran) else { return nil }
        return SavingDetail(every: every, cost: cost, interruptions: interruptions, ran: ran, best: best)
    }

    /// The formula is about failures after which what was done since the last save is done again. One before which the
    /// run could save its last step is none, nor is one that came before the first step.
    private static func hasLostWork(_ incarnation: IncarnationRecord, _ lastSaved: [Int: Int]) -> Bool {
        guard incarnation.outcome.flatMap(Cause.init(rawValue:))?.isInterruption == true,
            let epoch = incarnation.epoch, let last = incarnation.lastStep
        else { return false }
        return lastSaved[epoch].map { $0 < last } ?? true
    }
}
