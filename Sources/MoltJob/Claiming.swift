import FoundationEssentials
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// The claims of a run on disk.
struct ClaimFolder {
    let run: RunFolder

    private var epochs: EpochFolder { EpochFolder(path: run.epochs) }

    /// Creates the claim of this incarnation, or says who owns the run.
    func claim(plan: LaunchPlan, context: JobContext) throws -> (epoch: Int?, reason: String) {
        try DurableFile.makeFolder(run.epochs)
        for _ in 0..<64 {
            let number = try epochs.newest()
            let newest = number == 0 ? nil : try JSONFile.read(Claim.self, from: run.claim(epoch: number))
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
                try Failpoints.pass(.claimDecided)
                do throws(FileError) {
                    try DurableFile.createExclusively(data, at: run.claim(epoch: epoch))
                } catch {
                    guard error.code == EEXIST else { throw error }
                    continue
                }
                try Failpoints.pass(.claimWritten)
                epochs.announce(epoch)
                return (epoch, "")
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
