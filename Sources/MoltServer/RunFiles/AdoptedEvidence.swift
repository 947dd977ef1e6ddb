import FoundationEssentials
import MoltCore
import MoltLifecycle

/// What is known of a hand-written job: no molt-job claims the run or leaves a receipt, so the plugin's records stand
/// for both. Without the plugin a start is claimed as soon as the scheduler shows it, and nothing proves a success.
struct AdoptedEvidence {
    let folder: RunFolder
    let job: AdoptedJob

    init(_ folder: RunFolder, _ job: AdoptedJob) {
        self.folder = folder
        self.job = job
    }

    /// As the plugin claimed it, so that checkpoints bear the same number; without a claim one that rises with each
    /// start of the run. One attempt may be restarted that often.
    static func epoch(attempt: Int, incarnation: Int, _ start: PluginRecords.Record?) -> Int {
        if let claimed = start?.epoch, claimed > 0 { return claimed }
        return (attempt - 1) * 1000 + incarnation + 1
    }

    private func start(_ incarnation: Int) -> PluginRecords.Record? {
        PluginRecords.record(folder.pluginRecords(jobID: job.id, incarnation: incarnation) + "/adopted.json")
    }

    func read(_ attempt: RunLifecycle.Attempt, _ incarnations: ClosedRange<Int>, ended: Int?) -> Evidence {
        let numbers = Set(incarnations).union([job.incarnation]).sorted()
        var evidence = Evidence(claims: numbers.map { claim(attempt, $0) })
        for number in numbers {
            let records = PluginRecords(folder: folder.pluginRecords(jobID: job.id, incarnation: number))
            let wasPutBack = number < incarnations.upperBound
            if let receipt = receipt(attempt, number, records, wasPutBack: wasPutBack) {
                evidence.receipts.append(receipt)
            }
            guard number == ended else { continue }
            var remains = Remains(workerEnds: records.last.ends)
            remains.unfitNodes = records.unfitNodes
            remains.tails = tails()
            evidence.remains = remains
        }
        return evidence
    }

    /// The script's output holds what its program says and what slurmstepd says about the job; only the lines that
    /// begin with that name are believed to be the latter's.
    private func tails() -> [LogTail] {
        guard let text = job.output.flatMap({ RemainsReader.tail($0) }) else { return [] }
        let notices = text.split(separator: "\n").filter { $0.hasPrefix("slurmstepd: ") }
        return [LogTail(.rank(0), text), LogTail(.scheduler, notices.joined(separator: "\n"))]
    }

    private func claim(_ attempt: RunLifecycle.Attempt, _ number: Int) -> Claim {
        let start = start(number)
        return Claim(
            key: attempt.key, epoch: Self.epoch(attempt: attempt.number, incarnation: number, start),
            attempt: attempt.number, incarnation: number, jobID: job.id, host: start?.host ?? "",
            process: ProcessIdentity(bootID: "", pid: 0, startTicks: 0), claimedAt: start?.startedAt ?? 0)
    }

    private func receipt(
        _ attempt: RunLifecycle.Attempt, _ number: Int, _ records: PluginRecords, wasPutBack: Bool
    ) -> Receipt? {
        guard let end = records.scriptEnd else { return nil }
        let last = records.last, script = end.status ?? 128 + (end.signal ?? 0)
        // The script only sees that its rank was killed, and may not even look.
        let hidden = script == 0 ? last.worst : nil
        let code = last.hang == nil ? hidden?.code ?? script : JobExit.noProgress.rawValue
        // A script that was told to stop dies of it, as its shell reports it, or says that it has saved; that it has
        // it may also say by itself.
        let isStopped = code == 128 + 15 || code == JobExit.continueMe.rawValue && wasPutBack
        var reason = end.signal.map { "its script was killed by signal \($0)" }
            ?? "its script ended with status \(end.status ?? 0)"
        if let hang = last.hang {
            reason = "\(hang); \(reason)"
        } else if let hidden {
            reason += ", but \(hidden.words)"
        } else if !isStopped, let first = last.firstToFail {
            reason += "; \(first.words) before the others"
        }
        return Receipt(
            key: attempt.key, incarnation: number,
            epoch: Self.epoch(attempt: attempt.number, incarnation: number, start(number)), exitCode: code,
            reason: reason,
            stopSignal: isStopped ? 15 : nil, unfitNodes: records.unfitNodes.isEmpty ? nil : records.unfitNodes,
            startedAt: records.startedAt ?? end.endedAt, endedAt: end.endedAt)
    }

    func progress(incarnation: Int, attempt: Int, after offsets: [String: Int]) -> EventTail {
        EventTail.read(
            plugin: folder.pluginRecords(jobID: job.id, incarnation: incarnation), name: "\(job.id).\(incarnation)",
            epoch: Self.epoch(attempt: attempt, incarnation: incarnation, start(incarnation)), after: offsets)
    }
}
