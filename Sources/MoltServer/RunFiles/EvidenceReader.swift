import FoundationEssentials
import MoltCore
import MoltLifecycle

/// Reads claims and receipts from run folders. Claims never change, so each is read once.
struct EvidenceReader {
    private var claims: [RunID: [Int: Claim]] = [:]
    private var signs = LifeSigns()

    /// - Parameter ended: the incarnation that seems to be over; what it left is read once that is known.
    mutating func read(
        _ run: RunID, _ folder: RunFolder, attempt: RunLifecycle.Attempt, incarnations: ClosedRange<Int>, ended: Int?,
        job: UInt32?, adopted: AdoptedJob?, exitCodes: [Int32: Int32], progress: Int?, isPreemptible: Bool,
        isSuspended: Bool, now: Double
    ) -> Evidence {
        if let adopted {
            var evidence = AdoptedEvidence(folder, adopted).read(attempt, incarnations, ended: ended)
            evidence.committedStep = progress
            evidence.isPreemptible = isPreemptible
            return evidence
        }
        let known = refresh(run, folder), newest = incarnations.upperBound
        let silence = signs.silence(
            of: run, incarnationFolder: folder.incarnation(attempt: attempt.number, incarnation: newest),
            claim: known.values.first { $0.key == attempt.key && $0.incarnation == newest }, isStopped: isSuspended,
            now: now)
        // A receipt is looked for by its own path only, so that no stale directory listing hides it.
        let receipts = incarnations.compactMap { number in
            try? JSONFile.read(Receipt.self, from: folder.receipt(key: attempt.key, incarnation: number))
        }
        var evidence = Evidence(
            claims: known.values.sorted { $0.epoch < $1.epoch }, receipts: receipts, committedStep: progress,
            exitCodes: exitCodes, isPreemptible: isPreemptible, silence: silence)
        // One that has died without the scheduler's notice has ended, too.
        if let ended = ended ?? (silence > LifecycleLimits.silenceMax ? newest : nil) {
            let receipt = receipts.last { $0.incarnation == ended }
            let epoch = known.values.first { $0.key == attempt.key && $0.incarnation == ended }?.epoch
            evidence.remains = RemainsReader.read(
                folder, attempt: attempt.number, incarnation: ended, job: job, epoch: epoch, receipt: receipt)
        }
        return evidence
    }

    /// What only changes by being looked at often.
    mutating func glance(at run: RunID, now: Double) {
        signs.glance(at: run, now: now)
    }

    mutating func forget(_ run: RunID) {
        claims[run] = nil
        signs.forget(run)
    }

    private mutating func refresh(_ run: RunID, _ folder: RunFolder) -> [Int: Claim] {
        var known = claims[run] ?? [:]
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.epochs)) ?? []
        for name in names {
            guard let epoch = Int(name), known[epoch] == nil,
                let data = try? DurableFile.read(folder.claim(epoch: epoch), limit: Limits.claimBytes),
                let claim = try? BoundedJSON().decode(Claim.self, from: data)
            else { continue }
            known[epoch] = claim
        }
        claims[run] = known
        return known
    }
}
