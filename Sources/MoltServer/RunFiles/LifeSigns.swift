package import MoltCore

/// How long the incarnations of runs have been silent, from what one reader saw change by its own clock.
package struct LifeSigns {
    private struct Seen {
        var incarnation: String
        var claim: Claim?
        var count: Int?
        var at: Double
        var silence: Double
        var isStopped: Bool
    }

    private var seen: [RunID: Seen] = [:]

    package init() {}

    /// A longer pause between two readings is mostly our own (a laptop that slept, a scheduler that is asked rarely):
    /// it proves no more than this.
    package static let countedMax = 15.0

    /// - Parameters:
    ///   - claim: of the incarnation; a process that can be looked at from here needs no sign.
    ///   - isStopped: the scheduler has suspended the job: nobody can give a sign, nor just after it goes on.
    /// - Returns: seconds without a sign; 0 while there never was one.
    package mutating func silence(
        of run: RunID, incarnationFolder: String, claim: Claim?, isStopped: Bool = false, now: Double
    ) -> Double {
        let count = SignOfLife(incarnationFolder: incarnationFolder).read()
        var next = Seen(
            incarnation: incarnationFolder, claim: claim, count: count, at: now, silence: 0, isStopped: isStopped)
        if let last = seen[run], last.incarnation == incarnationFolder, last.count == count, count != nil,
            claim?.process.isAlive != true, !isStopped, !last.isStopped {
            next.silence = last.silence + min(max(0, now - last.at), Self.countedMax)
        }
        seen[run] = next
        return next.silence
    }

    /// Looks at a run's sign between two questions for its silence, so that these may be rare without proving less.
    package mutating func glance(at run: RunID, now: Double) {
        guard let last = seen[run], last.count != nil, now - last.at >= Self.glanceInterval else { return }
        _ = silence(
            of: run, incarnationFolder: last.incarnation, claim: last.claim, isStopped: last.isStopped, now: now)
    }

    private static let glanceInterval = SignOfLife.interval / 2

    package mutating func forget(_ run: RunID) {
        seen[run] = nil
    }
}
