import MoltAPI
import MoltCore
import MoltStore

#if canImport(Glibc)
import Glibc
#endif

/// The checkpoints of a run that exist now. The folder decides: retention removes some without telling anybody, and of
/// a run that saves many times a second those that the ledger has heard of are gone by then.
struct CheckpointList {
    private let folder: CheckpointFolder
    /// Oldest first.
    let names: [CheckpointName]

    init(_ run: RunFolder) {
        folder = CheckpointFolder(path: run.checkpoints)
        names = Array(((try? folder.names()) ?? []).suffix(Limits.checkpointsListed))
    }

    /// - Parameter ledger: what the store knows of `names`.
    func details(_ ledger: [CheckpointRecord]) -> [CheckpointDetail] {
        let known = Dictionary(ledger.map { ($0.name, $0) }) { $1 }
        var budget = Limits.checkedBytes
        // The newest first, for which people ask.
        let details = names.reversed().compactMap { name in
            known[name].map { detail(of: name, $0) } ?? found(name, &budget)
        }
        return withBest(details.reversed())
    }

    private func withBest(_ details: [CheckpointDetail]) -> [CheckpointDetail] {
        var details = details, losses: [CheckpointName: Double] = [:]
        for index in details.indices {
            let name = CheckpointName(step: details[index].step, epoch: details[index].epoch)
            details[index].validationLoss = folder.validationLoss(of: name)
            losses[name] = details[index].validationLoss
        }
        guard let best = CheckpointFolder.best(losses) else { return details }
        for index in details.indices where details[index].step == best.step && details[index].epoch == best.epoch {
            details[index].best = true
        }
        return details
    }

    private func detail(of name: CheckpointName, _ record: CheckpointRecord) -> CheckpointDetail? {
        let path = folder.folder(of: name)
        // One that goes just now loses its name first and its files then.
        guard access("\(path)/\(CheckpointManifest.fileName)", F_OK) == 0 else { return nil }
        var detail = CheckpointDetail(
            step: name.step, epoch: name.epoch, path: path, verified: record.verified, bytes: record.bytes,
            savedAt: record.savedAt)
        (detail.seconds, detail.stall, detail.sha256) = (record.seconds, record.stall, record.sha256)
        return detail
    }

    /// One that the ledger does not know yet: its manifest tells of it. What is small is read to see whether it is
    /// whole; what is large waits for the word of its writer, who has read it.
    private func found(_ name: CheckpointName, _ budget: inout Int) -> CheckpointDetail? {
        guard let manifest = try? folder.verify(name, contents: false) else { return nil }
        let bytes = manifest.files.reduce(0) { $0 + $1.bytes }
        var isWhole = false
        if bytes <= budget {
            budget -= bytes
            isWhole = (try? folder.verify(name)) != nil
        }
        return CheckpointDetail(
            step: name.step, epoch: name.epoch, path: folder.folder(of: name), verified: isWhole, bytes: bytes,
            savedAt: manifest.savedAt)
    }
}

extension CheckpointRecord {
    var name: CheckpointName { CheckpointName(step: step, epoch: epoch) }
}
