import FoundationEssentials
package import MoltCore

#if canImport(Glibc)
import Glibc
#endif

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

/// The claims of a run on disk.
struct ClaimFolder {
    let run: RunFolder

    /// The highest epoch that anybody claimed; 0 for none.
    func newestEpoch() -> Int {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: run.epochs)) ?? []
        return names.compactMap { Int($0) }.max() ?? 0
    }

    /// Creates the claim of this incarnation, or says who owns the run.
    func claim(plan: LaunchPlan, context: JobContext) throws -> (epoch: Int?, reason: String) {
        try DurableFile.makeFolder(run.epochs)
        for _ in 0..<64 {
            let newest = newestEpoch() == 0 ? nil : try JSONFile.read(Claim.self, from: run.claim(epoch: newestEpoch()))
            let decision = ClaimDecision.make(
                newest: newest, hasEnded: newest.map(hasEnded) ?? true, key: plan.key, attempt: plan.attempt,
                jobID: context.jobID, incarnation: context.incarnation)
            switch decision {
            case .fenced(let reason):
                return (nil, reason)
            case .take(let epoch):
                let claim = Claim(
                    key: plan.key, epoch: epoch, attempt: plan.attempt, incarnation: context.incarnation,
                    jobID: context.jobID, host: context.host, process: .current(), claimedAt: Clock.now())
                let data = try JSONFile.encode(claim)
                do throws(FileError) {
                    try DurableFile.createExclusively(data, at: run.claim(epoch: epoch))
                    return (epoch, "")
                } catch {
                    guard error.code == EEXIST else { throw error }
                }
            }
        }
        return (nil, "other incarnations keep claiming the run")
    }

    private func hasEnded(_ claim: Claim) -> Bool {
        let receipt = run.receipt(key: claim.key, incarnation: claim.incarnation)
        if FileManager.default.fileExists(atPath: receipt) { return true }
        return claim.process.bootID == ProcessIdentity.hostBootID() && !claim.process.isAlive
    }
}
