import MoltCore
import MoltStore

/// Applies what the event files said to the run's row, its incarnations, checkpoints and timeline.
struct ProgressRecorder {
    let recorder: RunRecorder

    func apply(_ tail: EventTail, to record: inout RunRecord, stepsAreCommitted: Bool) throws {
        for (name, offset) in tail.offsets {
            try recorder.transaction.save(EventFileRecord(run: record.id, name: name, offset: offset))
        }
        var incarnations = try recorder.transaction.snapshot.incarnations(record.id)
        for line in tail.lines {
            try apply(line, to: &record, &incarnations, stepsAreCommitted)
        }
        for incarnation in incarnations { try recorder.transaction.save(incarnation) }
        try recorder.transaction.update(record)
    }

    private func apply(
        _ line: EventTail.Line, to record: inout RunRecord, _ incarnations: inout [IncarnationRecord],
        _ stepsAreCommitted: Bool
    ) throws {
        let event = line.event
        // A program that is not ours writes plain progress lines without a kind.
        switch event.kind ?? .step {
        case .step:
            guard line.rank ?? 0 == 0 else { return }
            // Some programs repeat the last one with every step.
            let news = event.validationLoss == record.validationLoss ? nil : event.validationLoss
            record.step = event.step ?? record.step
            record.steps = event.steps ?? record.steps
            record.loss = event.loss ?? record.loss
            record.tokens = event.tokens ?? record.tokens
            record.tokensPerSecond = event.tokensPerSecond ?? record.tokensPerSecond
            record.validationLoss = event.validationLoss ?? record.validationLoss
            if stepsAreCommitted, let step = event.step {
                record.committedStep = max(record.committedStep ?? 0, step)
            }
            guard let step = event.step, let index = incarnations.lastIndex(where: { $0.epoch == line.epoch }) else {
                return try validated(news, at: event.step, record)
            }
            if incarnations[index].firstStep == nil {
                // From here on this epoch goes another way than those before.
                try recorder.transaction.deleteValidations(record.id, fromStep: step)
                incarnations[index].firstStep = step
            }
            incarnations[index].lastStep = step
            try validated(news, at: step, record)
        case .validation:
            guard line.rank ?? 0 == 0 else { return }
            record.validationLoss = event.validationLoss ?? event.loss ?? record.validationLoss
            try validated(event.validationLoss ?? event.loss, at: event.step, record)
        case .saved: try saved(line, &record, incarnations)
        case .loaded:
            guard line.rank ?? 0 == 0 else { return }
            if let checkpoint = event.checkpoint {
                let step = event.step.map { " at step \($0)" } ?? ""
                try note("resumed", "goes on\(step) from \(checkpoint)", line, record, incarnations)
            }
        case .saveFailed:
            record.lastError = event.message
            try note("save-failed", event.message ?? "a save failed", line, record, incarnations)
        case .rejectedCheckpoint:
            try note("rejected-checkpoint", event.message ?? "a checkpoint was passed over", line, record, incarnations)
        case .numericsChanged:
            try note("numerics-changed", event.message ?? "the numerics record changed", line, record, incarnations)
        case .slowRank, .slowRankOver:
            // molt-job alone sees all ranks.
            guard line.rank == nil, let message = event.message else { return }
            let kind = event.kind == .slowRank ? SlowRanks.kind : SlowRanks.overKind
            try note(kind, message, line, record, incarnations)
        case .note:
            guard let message = event.message else { return }
            try note("note", message, line, record, incarnations)
        case .phase, .started, .ended: break
        }
    }

    private func validated(_ loss: Double?, at step: Int?, _ record: RunRecord) throws {
        guard let loss, let step, loss.isFinite else { return }
        try recorder.transaction.save(ValidationRecord(run: record.id, step: step, loss: loss))
    }

    private func saved(_ line: EventTail.Line, _ record: inout RunRecord, _ incarnations: [IncarnationRecord]) throws {
        guard line.rank ?? 0 == 0, let name = line.event.checkpoint.flatMap(CheckpointName.init(parsing:)) else {
            return
        }
        record.committedStep = max(record.committedStep ?? 0, name.step)
        var checkpoint = CheckpointRecord(
            run: record.id, epoch: name.epoch, step: name.step, bytes: line.event.bytes, savedAt: line.event.at,
            verified: true)
        checkpoint.seconds = line.event.seconds
        checkpoint.stall = line.event.stall
        checkpoint.sha256 = line.event.sha256
        try recorder.transaction.save(checkpoint)
        try note("saved", "saved \(name)", line, record, incarnations)
    }

    private func note(
        _ kind: String, _ message: String, _ line: EventTail.Line, _ record: RunRecord,
        _ incarnations: [IncarnationRecord]
    ) throws {
        let incarnation = incarnations.first { $0.epoch == line.epoch }
        let isLate = line.event.at.map { recorder.now - $0 > Limits.lateNews } ?? false
        let told = RunRecorder(
            transaction: recorder.transaction, now: isLate ? line.event.at ?? recorder.now : recorder.now)
        try told.note(
            kind, DisplayText.escaped(message), run: record.id, attempt: incarnation?.attempt,
            incarnation: incarnation?.number)
    }
}
