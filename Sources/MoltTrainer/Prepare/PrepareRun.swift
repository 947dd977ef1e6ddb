import FoundationEssentials
import MoltCore
import MoltData
import MoltRecipe

#if canImport(Glibc)
import Glibc
#endif

/// What `molt-train prepare` does as one rank of a run of `task: prepare`.
package enum PrepareRun {
    package static func run(environment: [String: String], stop: StopSignal) -> Int32 {
        let context: WorkerContext
        do {
            context = try WorkerContext(environment: environment)
        } catch {
            StandardError.write("molt-train: \(error)")
            return JobExit.userError.rawValue
        }
        let events = EventLog(path: context.run.events(epoch: context.epoch, writer: .rank(context.rank)))
        events.write(.started, message: "rank \(context.rank) of \(context.ranks), Molt \(MoltVersion.current)")
        events.phase(.start)
        do {
            return try run(context, events, stop).rawValue
        } catch {
            events.write(.ended, message: "\(error)")
            StandardError.write("molt-train: \(error)")
            return TrainProgram.exitStatus(of: error)
        }
    }

    private static func run(_ context: WorkerContext, _ events: EventLog, _ stop: StopSignal) throws -> JobExit {
        let (recipe, _) = try TrainProgram.readRecipe(context.run, attempt: context.attempt)
        guard let data = recipe.data, let section = recipe.prepare else {
            throw UserError("the recipe does not say what to prepare, and where to", at: "prepare")
        }
        let (tokenizer, chat) = try TextTools.named(data.tokenizer)
        let work = try Preparation(
            PrepareSettings(section, inputs: data.train), out: section.out, tokenizer: tokenizer, chat: chat,
            threads: recipe.train.threads ?? recipe.resources.cpusPerRank, rank: context.rank, ranks: context.ranks)
        events.phase(.data)
        var shown = -1, lastShown = Clock.monotonic(), lastLook = lastShown
        let outcome = try work.run(isStopped: { stop.signal != nil }) { progress in
            events.beat(.data)
            if Clock.monotonic() - lastLook > Limits.stopFileSeconds {
                lastLook = Clock.monotonic()
                if access(context.run.stopRequest, F_OK) == 0 { stop.raise(SIGTERM) }
            }
            let percent = progress.total > 0 ? progress.done * 100 / progress.total : 0
            guard percent != shown, Clock.monotonic() - lastShown > Limits.heartbeatSeconds else { return }
            (shown, lastShown) = (percent, Clock.monotonic())
            events.write(.note, message: "\(progress.phase.rawValue): \(percent) %")
        }
        switch outcome {
        case .stopped: return .continueMe
        case .shareDone: return .done
        case .done(let folder):
            let tokens = DataSplit.allCases.map { "\($0.rawValue) \(folder.tokens($0))" }.joined(separator: ", ")
            events.write(.note, message: "prepared \(section.out): \(tokens) tokens")
            return .done
        }
    }
}
