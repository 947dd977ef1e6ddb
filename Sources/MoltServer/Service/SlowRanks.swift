import MoltCore
import MoltStore

/// What `molt-job` last said of ranks that make the others wait.
enum SlowRanks {
    static let kind = "slow-rank"
    static let overKind = "slow-rank-over"

    /// The sentence, while it holds: of the incarnation that runs now, and not taken back since.
    static func sentence(_ run: RunRecord, in snapshot: StoreSnapshot) throws -> String? {
        guard run.state == .running,
            let last = try snapshot.latestEvents(run.id, kinds: [kind, overKind], limit: 1).last, last.kind == kind,
            let newest = try snapshot.incarnations(run.id).last,
            last.attempt == newest.attempt, last.incarnation == newest.number
        else { return nil }
        return last.message
    }
}
