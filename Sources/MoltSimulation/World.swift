import MoltCore
import MoltLifecycle
import MoltReconcile
import MoltScheduler

/// One seed's world: the store, the cluster, the people, and time. Everything in it follows from the seed.
///
/// The daemon's own loop runs against it: whatever the loop asks for takes virtual time, in which the rest of the
/// world goes on.
// One seed's loop is the only one that ever touches it, and that loop awaits each of its calls.
final class World: @unchecked Sendable {
    let seed: UInt64
    var setting: Setting
    let sabotage: Sabotage?
    var random: SeededGenerator
    var trace = Trace()
    var coverage = Coverage()
    /// What must never happen and did, in words.
    var violations: [String] = []

    var now = 0.0
    var agenda = Agenda()
    var isCalm = false
    /// In a world of days: chances are as bad as they get.
    var isSpell = false
    /// False where time is measured: then nothing but the loop's own work counts.
    var isChecked = true

    // The cluster.
    var controller = Controller()
    var nodes: [ModelNode]
    let nodeNames: [String]
    var shells: [Shell] = []
    var launches = 0
    var isPassPlanned = false
    var isPurgePlanned = false
    var laterPassAt: Double?
    var requests: [Int: Request] = [:]
    var answers: [Int: Answer] = [:]
    var requestCount = 0
    /// Of what is none of the daemon's own doing.
    var happenings = 0

    // The store and the run folders.
    var runs: [ModelRun] = [] { didSet { watched = nil } }
    var lifecycles: [RunLifecycle] = [] { didSet { watched = nil } }
    /// The runs as the loop sees them; nil when something has been written since they were last asked for.
    private var watched: [TrackedRun]?
    var folders: [ModelFolder] = []
    var indexByID: [RunID: Int] = [:]
    var lastKey = 0
    /// Whose attempt a key was made for.
    var attempts: [AttemptKey: (run: Int, number: Int)] = [:]

    /// Steps of the recipe that an attempt was made from.
    var stepsOfKey: [AttemptKey: Int] = [:]
    /// Seconds between the saves of an attempt, where its recipe was changed.
    var saveEveryOfKey: [AttemptKey: Double] = [:]
    /// What the runs of a world that is accounted for have reported.
    var journals: [RunJournal] = []
    /// Every id that a job of ours has ever had.
    var attemptedIDs: Set<UInt32> = []
    /// Since when a run's user has known that the scheduler has lost its memory, and has not said what is to be done.
    var askedSince: [Int: (key: AttemptKey, time: Double)] = [:]
    /// What slurmctld knew before somebody started it on an empty state.
    var lostState: Controller.Memory?
    /// Jobs that somebody made from our scripts, or brought back.
    var copies: Set<UInt32> = []
    /// For the sabotaged store: each run as it was before it was cancelled.
    var beforeCancel: [Int: RunLifecycle] = [:]

    // The daemon.
    /// Of its loop on its books.
    var effects = 0
    /// Rises with each death, so that what is left of a dead daemon touches nothing.
    var generation = 0
    var isDaemonUp = true
    /// Where it is to die, and at the how many-th time.
    var death: (point: Failpoint, passing: Int)?
    var daemonAhead = 0.0
    /// By how much the clock was ahead by which the last daemon started.
    var aheadAtStart = 0.0
    var wantsWake = false
    /// When the loop last began a turn.
    var turnBeganAt = 0.0
    var statistics = Statistics()

    /// The virtual clocks' seconds since 1970 at the beginning.
    static let origin = 1_000_000.0

    init(
        seed: UInt64, setting: Setting? = nil, ordeal: Ordeal? = nil, sabotage: Sabotage? = nil,
        keepsTrace: Bool = false
    ) {
        self.seed = seed
        var random = SeededGenerator(seed: seed)
        var drawn = Setting.draw(&random)
        ordeal?.impose(on: &drawn)
        sabotage?.provoke(&drawn)
        self.setting = setting ?? drawn
        self.sabotage = sabotage
        self.random = random
        trace.keeps = keepsTrace
        nodes = Array(repeating: ModelNode(), count: self.setting.nodes)
        nodeNames = (1...self.setting.nodes).map { "n\($0)" }
        if self.setting.long != nil { agenda.grain = LongSetting.grain }
        planBeginning()
    }

    private func planBeginning() {
        let lastSubmission = setting.long.map { $0.submitsUntil * setting.calmAt } ?? setting.calmAt / 3
        for _ in 0..<setting.runs { agenda.add(.runIsSubmitted, at: random.between(0, lastSubmission)) }
        if let interval = setting.faultInterval { agenda.add(.fault, at: random.between(0, 2 * interval)) }
        if let interval = setting.userInterval { agenda.add(.userActs, at: random.between(0, 2 * interval)) }
        if let interval = setting.adminInterval { agenda.add(.adminActs, at: random.between(0, 2 * interval)) }
        agenda.add(.calm, at: setting.calmAt)
        if let long = setting.long {
            planRates(long)
            // Where it is counted what a run makes of its time, nobody helps it.
            if !long.isAccounted { agenda.add(.tidyUp, at: 3600) }
        } else {
            agenda.add(.purge, at: 10)
        }
    }

    // MARK: - Time

    /// Seconds since 1970 by the controller's clock, whole ones as Slurm tells them.
    var controllerTime: Double { (now + Self.origin + setting.controllerAhead).rounded(.down) }
    /// By the daemon's clock.
    var daemonTime: Double { now + Self.origin + daemonAhead }

    /// Lets the rest of the world go on until `end`, or until `condition` holds.
    func advance(to end: Double, until condition: () -> Bool = { false }) {
        while !condition(), let next = agenda.nextTime, next <= end {
            guard let (time, happening) = agenda.removeFirst() else { break }
            now = max(now, time)
            perform(happening)
            if isChecked { check() }
        }
        if !condition() { now = max(now, agenda.rounded(end)) }
    }

    func plan(_ happening: Happening, after seconds: Double) {
        agenda.add(happening, at: now + seconds)
    }

    private func perform(_ happening: Happening) {
        if case .requestArrives = happening, setting.long != nil {} else {
            happenings += 1
            trace.count(1, at: now)
        }
        switch happening {
        case .schedulingPass: schedulingPass()
        case .laterPass: laterPass()
        case .saveState: saveState()
        case .purge: purge()
        case .controllerStarts: controllerStarts()
        case .controllerContinues: controllerContinues()
        case .controllerDies: controllerCrashes(for: random.between(0.5, 10))
        case .stateRestored: stateRestored()
        case .partitionOpens: partitionOpens()
        case .requestArrives(let number): requestArrives(number)
        case .launch(let job, let launch): startShell(job, launch)
        case .configured(let job, let launch): configured(job, launch)
        case .completed(let job, let launch): completed(job, launch)
        case .timeLimit(let job, let launch): timeLimitReached(job, launch)
        case .nodeHeals(let node): nodeHeals(node)
        case .slurmdStarts(let node): slurmdStarts(node)
        case .processActs(let number): shellActs(number)
        case .processStops(let number): shellStops(number)
        case .processKilled(let number): killShell(number, word: 9)
        case .processReported(let number): reportShell(number)
        case .strangerLeaves(let job): strangerLeaves(job)
        case .shellLooks(let number): shellLooks(number)
        case .fileShows: break
        case .runIsSubmitted: submitRun()
        case .userActs: userActs()
        case .adminActs: adminActs()
        case .adminRelents(let job): adminRelents(job)
        case .fault: fault()
        case .rated(let index): rated(index)
        case .spellEnds: spellEnds()
        case .daemonStarts: startDaemon()
        case .calm: becomeCalm()
        case .tidyUp: tidyUp()
        }
    }

    // MARK: - What the loop asks for most

    var watchedRuns: [TrackedRun] {
        if let watched { return watched }
        let list = lifecycles.indices.filter { lifecycles[$0].isActive }.map { index in
            TrackedRun(
                id: runs[index].id, lifecycle: lifecycles[index], folder: runs[index].folder, partition: "low",
                trouble: runs[index].trouble)
        }
        watched = list
        return list
    }

    // MARK: - What is wrong

    func violate(_ text: String) {
        trace.say(now, "VIOLATION: \(text)")
        if violations.count < 20 { violations.append(text) }
    }

    func say(_ text: @autoclosure () -> String) {
        trace.say(now, text())
    }
}

/// Figures that say how much a seed has put the loop through.
package struct Statistics: Sendable {
    package var crashes = 0
    package var submissions = 0
    package var duplicates = 0
    package var recycledIDs = 0
    /// Requests of the loop that met somebody else's job under the number of its own.
    package var foreignJobs = 0
    package var lostAcknowledgements = 0
    package var changedComments = 0
    /// Starts of which nothing ever claimed the run.
    package var hungStarts = 0
    package var claims = 0
    package var fenced = 0
    package var clockJumps = 0
    /// Daemons that went by another clock than the one before.
    package var changedClocks = 0
    /// Jobs that a look did not find any more.
    package var vanished = 0
    /// Runs that had to wait for a person's word, since the scheduler had forgotten many jobs at once.
    package var pauses = 0
    package var simulatedSeconds = 0.0
    /// Of these with a run that had not ended.
    package var activeSeconds = 0.0
    /// Turns of the loop: made, and left out because they could not have found anything.
    package var turns = 0
    package var skippedTurns = 0

    package init() {}

    mutating func add(_ other: Statistics) {
        crashes += other.crashes
        submissions += other.submissions
        duplicates += other.duplicates
        recycledIDs += other.recycledIDs
        foreignJobs += other.foreignJobs
        lostAcknowledgements += other.lostAcknowledgements
        changedComments += other.changedComments
        hungStarts += other.hungStarts
        claims += other.claims
        fenced += other.fenced
        clockJumps += other.clockJumps
        changedClocks += other.changedClocks
        vanished += other.vanished
        pauses += other.pauses
        simulatedSeconds += other.simulatedSeconds
        activeSeconds += other.activeSeconds
        turns += other.turns
        skippedTurns += other.skippedTurns
    }
}

/// A mistake that a test builds into the model, to see that the checks notice it.
package enum Sabotage: String, CaseIterable, Sendable {
    /// The helper acts on a job without looking whose it is.
    case noKeyCheck
    /// A submission whose answer is lost is repeated at once, without a look.
    case eagerResend
    /// A job that Slurm calls complete counts as done, receipt or not.
    case forgedReceipts
    /// The loop measures its patience with a clock that people set.
    case clockThatIsSet
    /// A cancel that was asked for is forgotten when the daemon dies.
    case forgetfulStore
    /// What the scheduler has forgotten with many other jobs is sent again without anybody's word.
    case unaskedRelease

    /// The jobs' names do not tell whose they are.
    case namelessJobs

    /// More of the trouble in which the mistake shows.
    func provoke(_ setting: inout Setting) {
        switch self {
        case .noKeyCheck: Ordeal.recycledIDs.impose(on: &setting)
        case .clockThatIsSet:
            setting.faults = [.clockJump, .controllerHang]
            setting.faultInterval = 15
            setting.fileDelay = 8
        case .unaskedRelease:
            setting.faults = [.controllerAmnesia]
            setting.runs = 4
            setting.amnesiaPatience = nil
        case .namelessJobs: Ordeal.changedComments.impose(on: &setting)
        case .eagerResend, .forgedReceipts, .forgetfulStore: break
        }
    }
}
