import MoltCore

/// Several jobs with one attempt's key: it was sent twice, or somebody submitted its script by hand. One of them is the
/// attempt; the others are ended.
package enum DuplicateJobs {
    /// - Parameter followed: the job that the attempt has been so far.
    package static func kept(
        _ seen: [JobObservation], _ evidence: Evidence, followed: UInt32? = nil
    ) -> JobObservation? {
        guard seen.count > 1 else { return seen.first }
        let mine = seen.sorted { $0.job < $1.job }
        guard let key = mine[0].key else { return mine.first }
        let claims = evidence.claims.filter { $0.key == key }.sorted { $0.epoch > $1.epoch }
        func owner(among claims: [Claim], _ isMeant: (JobObservation) -> Bool = { _ in true }) -> JobObservation? {
            for claim in claims {
                if let job = mine.first(where: { $0.job == claim.jobID && isMeant($0) }) { return job }
            }
            return nil
        }
        // What has proven to be done. The epoch tells whose receipt it is: two jobs count their restarts apart.
        let done = Set(evidence.receipts.filter { $0.key == key && $0.exitCode == JobExit.done.rawValue }.map(\.epoch))
        if let job = owner(among: claims.filter { done.contains($0.epoch) }) { return job }
        // What lives and owns the run folder, or has owned it and waits to go on.
        if let job = owner(among: claims, { !$0.base.isTerminal }) { return job }
        if let job = mine.first(where: { $0.job == followed && !$0.base.isTerminal }) { return job }
        // The owner's end is the attempt's end: a copy that lives, and has done nothing yet, must not undo it.
        return owner(among: claims) ?? mine.first { !$0.base.isTerminal } ?? mine[0]
    }
}
