import MoltCheckpoint
import MoltCore
import MoltData
import MoltParallel
import MoltTensor

#if canImport(Glibc)
import Glibc
#endif

extension Trainer {
    /// What all ranks do before the next micro-batch: the gravest reason to stop, and rank 0’s wish to save.
    func agree() throws -> (reason: StopReason, save: Bool) {
        let now = Clock.monotonic()
        notePause(now)
        lastLook = now
        let reason = ownReason(now)
        let save = reason == .none && (saver?.wantsSnapshot(step: learner.progress.step) == true || wantsBestSaved)
        let agreed = try group.maximum([reason.rawValue, save ? 1 : 0])
        return (StopReason(rawValue: agreed[0]) ?? .asked, agreed[1] > 0)
    }

    /// How long a look at the clock may be late follows from the longest pause, but none in which nobody ran.
    private func notePause(_ now: Double) {
        let seconds = now - lastLook, isLong = seconds > Limits.longPauseSeconds
        if isLong { usleep(Limits.signalMicroseconds) }
        let resumptions = stop.resumptions
        defer { resumptionsSeen = resumptions }
        guard isLong, resumptions != resumptionsSeen else { return deadline.paused(seconds: seconds) }
        guard context.deadlineFile != nil else { return }
        deadline.resumed(at: Clock.now())
        lastDeadlineLook = -.infinity
    }

    private func ownReason(_ now: Double) -> StopReason {
        saver?.collect()
        if saver?.isFenced == true { return .fenced }
        if stop.signal != nil { return .asked }
        guard context.isMain else { return .none }
        if let slowest = saver?.slowest { deadline.saved(seconds: slowest) }
        followDeadline(now)
        if deadline.mustStop(at: Clock.now()) { return .asked }
        if now - lastStopFileLook >= Limits.stopFileSeconds {
            lastStopFileLook = now
            stopFileSeen = access(context.run.stopRequest, F_OK) == 0
        }
        return stopFileSeen ? .asked : .none
    }

    /// A limit may be raised or lowered while its job runs.
    private func followDeadline(_ now: Double) {
        guard let path = context.deadlineFile, now - lastDeadlineLook >= Limits.deadlineFileSeconds else { return }
        lastDeadlineLook = now
        if let text = try? DurableFile.read(path, limit: 4096) { deadline.told(String(decoding: text, as: UTF8.self)) }
    }

    private var whyStopped: String {
        if let signal = stop.signal { return "signal \(signal)" }
        if stopFileSeen { return "the stop file" }
        if deadline.mustStop(at: Clock.now()) { return "the time limit" }
        return "another rank was asked to"
    }

    /// Copies the state at the start of this step; rank 0 hands it to the writer.
    func beginSave() throws {
        events.phase(.save, step: learner.progress.step)
        defer { events.phase(.step, step: learner.progress.step) }
        let began = Clock.monotonic()
        wantsBestSaved = false
        let random = try group.gather(randomAtStepStart)
        guard let saver else { return }
        // The best may come while the state before it is still being written.
        saver.settle()
        let snapshot = try snapshot(random)
        saver.begin(snapshot, progress: learner.progress, stall: Clock.monotonic() - began)
    }

    private func snapshot(_ random: [[UInt8]]) throws -> CheckpointSnapshot {
        var snapshot = try learner.snapshot(
            CheckpointName(step: learner.progress.step, epoch: context.epoch), run: context.run.path.lastComponent,
            recipeHash: recipeHash, numerics: numerics, tokenizer: loader.tokenizerName, random: random)
        snapshot.state[StateKey.framing] = try StateText.encode(framing)
        snapshot.state[CheckpointManifest.validationLossKey] = validationLoss.map { "\($0)" }
        snapshot.state[CheckpointManifest.slowestSaveKey] = deadline.slowestMeasured.map { "\($0)" }
        return snapshot
    }

    /// Saves and ends; the code says what is true of the save.
    func saveAndLeave(_ exit: JobExit) throws -> JobExit {
        try leave(save() ? exit : .fenced)
    }

    /// Saves the state before the unfinished step, and waits; false when another incarnation owns the run.
    func save() throws -> Bool {
        // All ranks say so, since all wait for it.
        events.phase(.save, step: learner.progress.step)
        let random = try group.gather(randomAtStepStart)
        var failed = 0
        if let saver, try !saver.saveAndWait(try snapshot(random), progress: learner.progress) {
            failed = saver.isFenced ? StopReason.fenced.rawValue : StopReason.asked.rawValue
        }
        // Also holds every rank until the save has ended: the first to exit makes srun end the others.
        let agreed = try group.maximum([failed])[0]
        lastLook = Clock.monotonic()
        guard agreed == 0 || agreed == StopReason.fenced.rawValue else {
            let newest = saver?.newest.map(\.description) ?? "none"
            throw SaveFailure(text: "the last save failed; the newest checkpoint is \(newest)")
        }
        return agreed == 0
    }

    func leave(_ exit: JobExit) throws -> JobExit {
        saver?.settle()
        let message =
            switch exit {
            case .done: "finished"
            case .continueMe: "stopped by \(whyStopped) and saved"
            case .fenced: "another incarnation owns the run"
            case .numerics: "the loss or the gradient is not finite"
            case .unfitNode, .userError, .noProgress: "\(exit)"
            }
        events.write(.ended, step: learner.progress.step, message: message)
        try group.barrier()
        return exit
    }
}

/// The state could not be saved at the end; older checkpoints are as they were.
package struct SaveFailure: Error, CustomStringConvertible {
    let text: String

    package var description: String { text }
}

extension String {
    /// The part of a path after its last slash.
    var lastComponent: String { split(separator: "/").last.map(String.init) ?? self }
}
