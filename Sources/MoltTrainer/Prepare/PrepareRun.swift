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
        WorkerProgram.run(environment: environment) { context, events in try run(context, events, stop) }
    }

    private static func run(_ context: WorkerContext, _ events: EventLog, _ stop: StopSignal) throws -> JobExit {
        let (recipe, _) = try TrainProgram.readRecipe(context.run, attempt: context.attempt)
        guard let data = recipe.data, let section = recipe.prepare else {
            throw UserError("the recipe does not say what to prepare, and where to", at: "prepare")
        }
        let (tokenizer, chat) = try TextTools.named(data.tokenizer ?? "bytes", template: data.chatTemplate)
        let work = try Preparation(
            PrepareSettings(section, inputs: data.train), out: section.out, tokenizer: tokenizer, chat: chat,
            threads: recipe.train.threads ?? recipe.resources.cpusPerRank,
            share: .rank(context.rank, of: context.ranks))
        events.phase(.data)
        var teller = PrepareTeller(events, isFirst: context.rank == 0), lastLook = Clock.monotonic()
        let outcome = try work.run(isStopped: { stop.signal != nil }) { progress in
            let now = Clock.monotonic()
            events.beat(.data)
            if now - lastLook > Limits.stopFileSeconds {
                lastLook = now
                if access(context.run.stopRequest, F_OK) == 0 { stop.raise(SIGTERM) }
            }
            teller.tell(progress, now: now)
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

/// Tells how far a preparation is, of all ranks together and by the first of them: its units are the run's steps.
struct PrepareTeller {
    private let events: EventLog
    private let isFirst: Bool
    private var began: (done: Int, at: Double)?
    private var units = 0
    private var toldAt = -Double.infinity
    private var notedAt: Double
    private var noted = ""

    init(_ events: EventLog, isFirst: Bool) {
        self.events = events
        self.isFirst = isFirst
        notedAt = Clock.monotonic()
    }

    mutating func tell(_ progress: Preparation.Progress, now: Double) {
        guard isFirst else { return }
        if progress.phase == .reading, began == nil { began = (progress.done, now) }
        if progress.units > units, progress.units == progress.unitsInAll || now - toldAt > Limits.stepSeconds {
            (units, toldAt) = (progress.units, now)
            var event = RunEvent(.step, at: Clock.now(), step: units)
            event.steps = progress.unitsInAll
            events.write(event)
            // How long a unit takes says nothing of the next thing to come.
            events.phase(.data)
        }
        guard now - notedAt > Limits.heartbeatSeconds else { return }
        notedAt = now
        let text = ProgressLine.text(progress, began: began ?? (0, now), now: now)
        if text != noted { events.write(.note, message: text) }
        noted = text
    }
}
