/// Decides, from what lies in `epochs/`, whether an incarnation may own the run.
package enum ClaimDecision: Equatable, Sendable {
    /// May create the claim of this epoch.
    case take(epoch: Int)
    /// Another incarnation owns the run; the text says which.
    case fenced(String)

    /// - Parameters:
    ///   - newest: the claim with the highest epoch, if any.
    ///   - hasEnded: whether that claim's incarnation left a receipt, or its process is known to be gone.
    package static func make(
        newest: Claim?, hasEnded: Bool, key: AttemptKey, attempt: Int, jobID: UInt32, incarnation: Int
    ) -> ClaimDecision {
        guard let newest else { return .take(epoch: 1) }
        let next = ClaimDecision.take(epoch: newest.epoch + 1)
        let owner = "epoch \(newest.epoch) belongs to attempt \(newest.attempt), job \(newest.jobID), "
            + "incarnation \(newest.incarnation) on \(newest.host)"
        if newest.attempt != attempt {
            // The daemon starts an attempt only once the one before is over: the later one is right.
            return newest.attempt < attempt ? next : .fenced(owner)
        }
        if newest.key == key, newest.jobID == jobID {
            // Slurm restarted the job: what is left of the older incarnation is superseded.
            return newest.incarnation < incarnation ? next : .fenced(owner)
        }
        // The same attempt was submitted twice, or under two keys: whoever came first keeps it while it lives.
        return hasEnded ? next : .fenced(owner)
    }
}
