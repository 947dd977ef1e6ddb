import MoltCore
import MoltOptim
import MoltTrainer
import Testing

/// Decisions without tensors: deadlines, save schedules, the environment.
struct DecisionTests {
    /// Covers D14.
    @Test(arguments: [
        (0.0, 0.0, 102.0, false), (0.0, 0.0, 97.0, false), (0.0, 0.0, 98.0, true), (10.0, 0.0, 84.0, true),
        (10.0, 0.0, 82.0, false), (10.0, 5.0, 78.0, true), (10.0, 5.0, 77.0, false),
    ])
    func theLatestMomentToSaveFollowsTheSlowestSaveAndPause(save: Double, pause: Double, now: Double, stop: Bool) {
        var watch = DeadlineWatch(deadline: now > 100 ? nil : 100, bytes: 0)
        watch.saved(seconds: save)
        watch.saved(seconds: save / 2)
        watch.paused(seconds: pause)
        #expect(watch.mustStop(at: now) == stop)
    }

    /// Covers D14, D29.
    @Test(arguments: [
        ("200\n", 199.0), ("150", 149), ("NONE", 99), ("", 99), ("inf", 99), ("nan", 99), ("-5", 99), ("0", 99),
        ("1 2", 11),
    ] as [(String, Double)])
    func aDeadlineThatMovesIsFollowedAndJunkIsNot(text: String, stop: Double) {
        var watch = DeadlineWatch(deadline: 100, bytes: 0)
        watch.told(text)
        #expect(!watch.mustStop(at: stop - 2))
        #expect(watch.mustStop(at: stop))
    }

    /// molt-job asks the scheduler for the new end once it runs again itself, and writes it down.
    ///
    /// Covers D11, D14.
    @Test func afterASuspensionTheDeadlineOfBeforeIsNotBelievedForAWhile() {
        var watch = DeadlineWatch(deadline: 100, bytes: 0)
        watch.resumed(at: 500)
        #expect(!watch.mustStop(at: 500))
        watch.told("100")
        #expect(!watch.mustStop(at: 529), "what was told before is still there")
        #expect(watch.mustStop(at: 530), "nobody has told another")
        watch.resumed(at: 600)
        watch.told("900")
        #expect(!watch.mustStop(at: 897))
        #expect(watch.mustStop(at: 898))
        watch.resumed(at: 1000)
        watch.told("1001")
        #expect(watch.mustStop(at: 1000), "the new one counts at once")
    }

    @Test func beforeTheFirstSaveItsTimeIsEstimatedFromItsSize() {
        let watch = DeadlineWatch(deadline: 100, bytes: 2_000_000_000)
        #expect(!watch.mustStop(at: 67))
        #expect(watch.mustStop(at: 69))
    }

    @Test(arguments: [
        (600.0 as Double?, nil as Int?, 599.0, 7, false), (600, nil, 600, 7, true), (600, nil, 900, 5, false),
        (nil, 4, 0, 7, false), (nil, 4, 0, 8, true), (nil, 4, 0, 9, true), (nil, 4, 0, 5, false),
        (nil, nil, 1e9, 99, false),
        (600, 4, 0, 8, true), (nil, 0, 0, 8, false),
    ])
    func aSaveIsDueByTimeOrBySteps(every: Double?, everySteps: Int?, now: Double, step: Int, due: Bool) {
        var schedule = SaveSchedule(every: every, everySteps: everySteps, now: 0, step: 5)
        #expect(schedule.isDue(now: now, step: step) == due)
        schedule.began(now: now, step: step)
        #expect(!schedule.isDue(now: now, step: step))
    }

    @Test func aStateThatDoesNotFitIsTheUsersToMend() {
        let missing = OptimizerError.missingState("exp_avg.w")
        let misshapen = OptimizerError.wrongShape(name: "exp_avg.w", expected: [1], found: [2])
        #expect(TrainProgram.exitStatus(of: missing) == JobExit.userError.rawValue)
        #expect(TrainProgram.exitStatus(of: misshapen) == JobExit.userError.rawValue)
    }

    @Test(arguments: [(1, 9, []), (2, 6, [9]), (3, 3, [9, 6]), (10, 3, [9, 6])] as [(Int, Int, [Int])])
    func aRollBackGoesSoManyCheckpointsBackAndSetsTheLaterOnesAside(count: Int, step: Int, aside: [Int]) {
        let names = [3, 6, 9, 12].map { CheckpointName(step: $0, epoch: 2) }
        var moved: [Int] = []
        let target = RollBack.setAside(after: names[2], count: count, names: names) { name in
            moved.append(name.step)
            return true
        }
        #expect(target.step == step && moved == aside)
    }

    @Test func aCheckpointThatCannotBeSetAsideIsAsFarAsARollBackGoes() {
        let names = [3, 6, 9].map { CheckpointName(step: $0, epoch: 2) }
        #expect(RollBack.setAside(after: names[2], count: 3, names: names) { $0.step == 9 }.step == 6)
    }

    @Test func aWorkerAloneNeedsOnlyItsRunFolder() throws {
        let context = try WorkerContext(environment: ["MOLT_RUN_DIR": "/runs/x"])
        #expect(context == WorkerContext(run: RunFolder(path: "/runs/x")))
    }

    @Test(arguments: [
        ["MOLT_RUN_DIR": ""], ["MOLT_RUN_DIR": "/x", "RANK": "1"], ["MOLT_RUN_DIR": "/x", "WORLD_SIZE": "0"],
        ["MOLT_RUN_DIR": "/x", "WORLD_SIZE": "2"], ["MOLT_RUN_DIR": "/x", "MASTER_PORT": "70000"],
    ])
    func anEnvironmentThatCannotBeIsRefused(_ environment: [String: String]) {
        #expect(throws: UserError.self) { try WorkerContext(environment: environment) }
    }
}
