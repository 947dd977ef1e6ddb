import MoltCore
import MoltRecipe
import MoltTensor

#if canImport(Glibc)
import Glibc
#endif

/// What `molt-train` is as a worker of a run: who it is, what it tells, and how it ends.
enum WorkerProgram {
    /// Turns errors into words in the run's events and on standard error, and into the exit codes of the design.
    static func run(environment: [String: String], _ body: (WorkerContext, EventLog) throws -> JobExit) -> Int32 {
        do {
            return run(try WorkerContext(environment: environment), body)
        } catch {
            StandardError.write("molt-train: \(error)")
            return JobExit.userError.rawValue
        }
    }

    static func run(_ context: WorkerContext, _ body: (WorkerContext, EventLog) throws -> JobExit) -> Int32 {
        let events = EventLog(path: context.run.events(epoch: context.epoch, writer: .rank(context.rank)))
        events.write(.started, message: "rank \(context.rank) of \(context.ranks), Molt \(MoltVersion.current)")
        events.phase(.start)
        do {
            return try body(context, events).rawValue
        } catch {
            events.write(.ended, message: "\(error)")
            StandardError.write("molt-train: \(error)")
            return TrainProgram.exitStatus(of: error)
        }
    }
}

/// The one worker of a run that trains nothing: its recipe, its signs of life, and when it is to stop.
final class SoloWorker {
    /// Somebody wants the run to stop.
    struct Stopped: Error {}

    let context: WorkerContext
    let recipe: Recipe
    let events: EventLog
    private let stop: StopSignal
    private var lastLook = Clock.monotonic()

    private init(_ context: WorkerContext, _ events: EventLog, _ stop: StopSignal) throws {
        guard context.ranks == 1 else {
            throw UserError("\(context.ranks) ranks were started, and one does the work", at: "resources")
        }
        self.context = context
        self.events = events
        self.stop = stop
        (recipe, _) = try TrainProgram.readRecipe(context.run, attempt: context.attempt)
        try Torch.checkRuntime()
        try Torch.setThreads(max(1, recipe.train.threads ?? recipe.resources.cpusPerRank))
    }

    /// - Parameter body: throwing `Stopped` means that the run is to be started again.
    static func run(
        environment: [String: String], stop: StopSignal, _ body: (SoloWorker) throws -> JobExit
    ) -> Int32 {
        WorkerProgram.run(environment: environment) { context, events in
            do {
                return try body(try SoloWorker(context, events, stop))
            } catch is Stopped {
                return .continueMe
            }
        }
    }

    /// Where this run computes, told in its events.
    func place(_ dtype: Precision?) throws(UserError) -> ComputePlace {
        let choice = ComputeChoice(recipe, localRank: context.localRank, dtype)
        let place = try choice.place(at: "resources.gpus_per_node")
        events.write(.note, message: "computes on \(place)")
        return place
    }

    /// Called again and again while something takes long.
    func beat(_ phase: RunEvent.Phase) throws(Stopped) {
        events.beat(phase)
        let now = Clock.monotonic()
        if now - lastLook > Limits.stopFileSeconds {
            lastLook = now
            if access(context.run.stopRequest, F_OK) == 0 { stop.raise(SIGTERM) }
        }
        if stop.signal != nil { throw Stopped() }
    }

    /// So many parts of the work are done for good.
    func tell(done: Int, of count: Int, next: RunEvent.Phase) {
        var event = RunEvent(.step, at: Clock.now(), step: done)
        event.steps = count
        events.write(event)
        // How long a part takes says nothing of the next thing to come.
        events.phase(next)
    }
}
