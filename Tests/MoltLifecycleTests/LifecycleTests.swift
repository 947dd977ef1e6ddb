import MoltCore
import MoltLifecycle
import Testing

/// From the first start to the last receipt.
struct LifecycleTests {
    @Test func aRunFinishesByItsReceipt() throws {
        var machine = Machine()
        try machine.start()
        #expect(machine.run.state == .running(try #require(machine.run.job), epoch: 1))
        machine.clock += 100
        try machine.observe(machine.seen(.complete), claims: [machine.claim()], receipts: [machine.receipt(0)])
        #expect(machine.run.state == .finished)
        #expect(machine.records.contains(.notify(.finished, "the run is finished")))
    }

    /// Covers D2.
    @Test func completeWithoutAReceiptIsTriedOnceElsewhereThenFails() throws {
        var machine = Machine()
        try machine.submit()
        try machine.observe(machine.seen(.complete))
        machine.clock += LifecycleLimits.receiptPatience
        try machine.observe(machine.seen(.complete))
        #expect(machine.steps() == [.openAttempt(2)])
        #expect(machine.run.avoidedNodes == ["n1"])
        try machine.submit()
        try machine.observe(machine.seen(.complete, nodes: ["n2"]))
        machine.clock += LifecycleLimits.receiptPatience
        try machine.observe(machine.seen(.complete, nodes: ["n2"]))
        guard case .failed = machine.run.state else { Issue.record("\(machine.run.state)"); return }
    }

    /// Covers E9.
    @Test func aReceiptMayShowALittleLater() throws {
        var machine = Machine()
        try machine.start()
        machine.clock += 10
        try machine.observe(machine.seen(.complete), claims: [machine.claim()])
        #expect(machine.run.isActive)
        machine.clock += 2
        try machine.observe(machine.seen(.complete), claims: [machine.claim()], receipts: [machine.receipt(0)])
        #expect(machine.run.state == .finished)
    }

    /// Covers D9.
    @Test func preemptionDrainsCoolsDownAndGoesOnInTheSameAttempt() throws {
        var machine = Machine()
        try machine.start()
        machine.clock = 1100
        try machine.observe(
            machine.seen(.pending, .completing, restart: 1) { $0.preemptedAt = 1100 }, claims: [machine.claim()])
        #expect(machine.steps() == [.watch(job: 7)])
        machine.clock = 1105.2
        let saved = machine.receipt(75, signal: 15)
        try machine.observe(
            machine.seen(.pending, restart: 1, reason: "BeginTime"), claims: [machine.claim()], receipts: [saved])
        #expect(machine.steps() == [.watch(job: 7)], "not within the second in which the old one ended")
        machine.clock = 1106
        #expect(machine.steps(silent: nil) == [.watch(job: 7)], "not before the nodes were asked about")
        #expect(machine.steps(silent: ["n1"]) == [.watch(job: 7)], "not while the old node is silent")
        #expect(machine.steps() == [.beginNow(job: 7, machine.key)])
        machine.clock = 1110
        try machine.observe(
            machine.seen(.running, restart: 1) { $0.startedAt = 1110 },
            claims: [machine.claim(), machine.claim(1, epoch: 2)], receipts: [saved])
        #expect(machine.run.state == .running(try #require(machine.run.job), epoch: 2))
        #expect(machine.run.lastAttempt == 1)
        let ends = machine.records.compactMap { record -> Cause? in
            if case .incarnationEnded(_, _, let cause, _, _) = record { cause } else { nil }
        }
        #expect(ends == [.preempted])
    }

    /// Covers D8.
    @Test func aSilentNodeMayStillRunTheOldIncarnationUntilItsLeaseEnds() {
        let cooldown = RunLifecycle.Cooldown(clearedAt: 1000, nodes: ["n1"])
        #expect(!Planner.mayBegin(cooldown, SchedulerView(asOf: 1119, silentNodes: ["n1"])))
        #expect(Planner.mayBegin(cooldown, SchedulerView(asOf: 1120, silentNodes: ["n1"])))
        #expect(Planner.mayBegin(cooldown, SchedulerView(asOf: 1001, silentNodes: ["n2"])))
        #expect(!Planner.mayBegin(cooldown, SchedulerView(asOf: 1000.9, silentNodes: [])))
    }

    /// Slurm waits for nobody when a node fails; a job that starts beside its old self gets the node drained.
    ///
    /// Covers D6.
    @Test func afterAFailedNodeTheOldProcessesGetTheirTimeToDie() throws {
        var machine = Machine()
        try machine.start()
        machine.clock = 1100
        try machine.observe(
            machine.seen(.pending, restart: 1, reason: "BeginTime") { $0.submittedAt = 1100 },
            claims: [machine.claim()], receipts: [machine.receipt(1)])
        machine.clock = 1100 + LifecycleLimits.killWait + LifecycleLimits.killMargin - 1
        #expect(machine.steps() == [.watch(job: 7)])
        machine.clock += 1
        #expect(machine.steps() == [.beginNow(job: 7, machine.key)])
    }

    /// The daemon may look too late to see COMPLETING; ranks that all saved and ended prove as much.
    @Test(arguments: [(Int32(75), true), (1, false)])
    func aReceiptInGoodOrderProvesThatTheProcessesAreGone(_ code: Int32, _ isProof: Bool) throws {
        var machine = Machine()
        try machine.start()
        machine.clock = 1100
        try machine.observe(
            machine.seen(.pending, restart: 1, reason: "BeginTime"), claims: [machine.claim()],
            receipts: [machine.receipt(code, signal: 15)])
        machine.clock = 1101
        #expect(machine.steps() == [isProof ? .beginNow(job: 7, machine.key) : .watch(job: 7)])
    }

    /// Slurm itself waits for the processes of a job that it preempts; nobody need have seen it wait.
    ///
    /// Covers D9.
    @Test func aPreemptedJobBeginsAtOnceThoughNobodySawItDrain() throws {
        var machine = Machine()
        try machine.start()
        machine.clock = 1100
        let evidence = Evidence(claims: [machine.claim()], receipts: [machine.receipt(75)], isPreemptible: true)
        try machine.handle(
            .observed(machine.seen(.pending, restart: 1, reason: "BeginTime"), evidence, at: machine.clock))
        machine.clock = 1101
        #expect(machine.steps() == [.beginNow(job: 7, machine.key)])
    }

    @Test func preemptionIsUnbounded() throws {
        var machine = Machine()
        try machine.start()
        for restart in 1...200 {
            machine.clock += 10
            try machine.observe(
                machine.seen(.pending, .completing, restart: restart) { $0.preemptedAt = machine.clock })
            machine.clock += 10
            try machine.observe(machine.seen(.running, restart: restart))
        }
        #expect(machine.run.isActive)
        #expect(machine.run.budget == { var budget = machine.run.budget; budget.crashes = 0; return budget }())
    }

    @Test func aReceiptOfSuccessBeatsARequeue() throws {
        var machine = Machine()
        try machine.start()
        machine.clock += 10
        try machine.observe(
            machine.seen(.pending, restart: 1, reason: "BeginTime"), claims: [machine.claim()],
            receipts: [machine.receipt(0)])
        #expect(machine.steps() == [.cancel(job: 7, machine.key)], "the job would do it all again")
        machine.clock += 1
        try machine.observe(machine.seen(.cancelled, restart: 1))
        #expect(machine.run.state == .finished)
    }

    @Test func crashesAreBudgetedAndAnAdvancedCheckpointResetsThem() throws {
        var machine = Machine(policy: LifecyclePolicy(maxCrashes: 3))
        var committed = 0
        func crash(_ machine: inout Machine) throws {
            try machine.submit()
            try machine.observe(
                machine.seen(.failed) { $0.exitStatus = 1 }, claims: [machine.claim()],
                receipts: [machine.receipt(137)], committed: committed)
        }
        try crash(&machine)
        try crash(&machine)
        #expect(machine.run.budget.crashes == 2)
        committed = 10
        try crash(&machine)
        #expect(machine.run.budget.crashes == 1)
        try crash(&machine)
        #expect(machine.run.isActive)
        try crash(&machine)
        guard case .failed = machine.run.state else { Issue.record("\(machine.run.state)"); return }
    }

    @Test func crashesBackOff() throws {
        var machine = Machine(policy: LifecyclePolicy(maxCrashes: 10))
        var pauses: [Double] = []
        for _ in 1...4 {
            try machine.submit()
            try machine.observe(machine.seen(.failed), claims: [machine.claim()], receipts: [machine.receipt(137)])
            if case .queued(let queued) = machine.run.state { pauses.append(queued.notBefore - machine.clock) }
        }
        #expect(pauses == [5, 10, 20, 40])
    }

    /// Covers D18.
    @Test func aJobThatSlurmCouldNotStartAndHoldsIsReplaced() throws {
        var machine = Machine()
        try machine.start()
        machine.clock = 1100
        try machine.observe(
            machine.seen(.pending, restart: 1, reason: "launch failed requeued held"), claims: [machine.claim()],
            receipts: [machine.receipt(1)])
        #expect(machine.steps() == [.cancel(job: 7, machine.key)], "the old one must go first")
        machine.clock = 1101
        try machine.observe(machine.seen(.cancelled, restart: 1), claims: [machine.claim()])
        #expect(machine.steps().isEmpty, "a failed launch backs off")
        machine.clock = 1101 + 2 * LifecycleLimits.backOff
        #expect(machine.steps() == [.openAttempt(2)])
        #expect(machine.run.budget.crashes == 0 && machine.run.budget.faults == 2, "the machines', not the program's")
        let causes = machine.records.compactMap { record -> Cause? in
            switch record {
            case .incarnationEnded(_, _, let cause, _, _), .attemptEnded(_, let cause, _): cause
            default: nil
            }
        }
        #expect(causes == [.nodeFailed, .launchFailed])
    }

    /// D18: what could not even be started there is not offered to the same node again; of several none is known.
    ///
    /// Covers D18.
    @Test(arguments: [(["n1"], ["n1"]), (["n1", "n2"], [])])
    func theNodeThatCouldNotStartAJobIsLeftOut(_ nodes: [String], _ avoided: [String]) throws {
        var machine = Machine()
        try machine.submit()
        try machine.observe(machine.seen(.running, nodes: nodes))
        machine.clock = 1002
        try machine.observe(machine.seen(.pending, restart: 1, reason: "launch failed requeued held"))
        #expect(machine.run.avoidedNodes == avoided)
        #expect(machine.steps() == [.cancel(job: 7, machine.key)])
    }

    /// Covers D30.
    @Test func aDependencyThatCanNeverBeSatisfiedIsToldOnce() throws {
        var machine = Machine()
        try machine.submit()
        for _ in 1...4 {
            machine.clock += LifecycleLimits.confirmAfter
            try machine.observe(machine.seen(.pending, reason: "DependencyNeverSatisfied"))
        }
        let told = machine.records.filter { if case .notify(.stuck, _) = $0 { true } else { false } }
        #expect(told.count == 1, "though the job was confirmed meanwhile")
        #expect(machine.steps().isEmpty)
    }

    @Test func launchRacesCostNoBudget() throws {
        var machine = Machine()
        for _ in 1...LifecycleLimits.launchRacesMax {
            try machine.submit()
            try machine.observe(machine.seen(.failed) { $0.exitStatus = 1 })
        }
        #expect(machine.run.isActive)
        #expect(machine.run.budget.crashes == 0)
    }

    /// A controller that never shows the jobs it acknowledged (a plugin may rewrite their comments) gets few of them.
    @Test func whatIsAcknowledgedAndNeverSeenIsSentEverMoreRarely() throws {
        var machine = Machine()
        try machine.submit()
        var pauses: [Double] = []
        for _ in 1...4 {
            machine.clock += 1
            try machine.handle(.notInQueue(Evidence(), lookedAt: machine.clock, settle: 300))
            guard case .submitting(_, .intent(_, let notBefore)) = machine.run.state else {
                Issue.record("\(machine.run.state)")
                return
            }
            pauses.append(max(0, notBefore - machine.clock))
            machine.clock += 100
            try machine.handle(.sendingStarted(at: machine.clock))
            try machine.handle(.acknowledged(job: 7, at: machine.clock))
        }
        #expect(pauses == [0, 5, 10, 20])
    }

    @Test(arguments: [
        (["n1"], 1, []), (["n1", "n2"], 1, ["n2"]), (["n1", "n2"], 2, []), (["n1", "n2", "n3", "n4"], 1, ["n2"]),
        (["n3", "n4"], 1, []), ((1...12).map { "n\($0)" }, 4, ["n1", "n2"]),
    ] as [([String], Int, [String])])
    func avoidedNodesNeverMakeAPartitionTooSmall(_ nodes: [String], _ needed: Int, _ left: [String]) throws {
        var machine = Machine()
        for node in ["n1", "n2"] {
            try machine.submit()
            try machine.observe(
                machine.seen(.failed, nodes: [node]), claims: [machine.claim()],
                receipts: [machine.receipt(77, unfit: [node])])
        }
        #expect(machine.run.avoidedNodes == ["n1", "n2"])
        #expect(machine.run.exclusions(among: nodes, needed: needed, at: machine.clock) == left)
        #expect(machine.run.exclusions(among: nil, needed: needed, at: machine.clock) == ["n1", "n2"])
    }

    @Test func whatWaitsAsBeforeNeedsNoLookIntoItsFolder() throws {
        var machine = Machine()
        try machine.submit()
        let waits = machine.seen(.pending, reason: "Resources")
        #expect(!machine.run.waitsAsBefore(waits), "it has not been seen yet")
        try machine.observe(waits)
        machine.clock += 20
        let later = machine.seen(.pending, reason: "Resources")
        #expect(!machine.run.waitsAsBefore(later), "it is not confirmed yet")
        try machine.observe(later)
        #expect(machine.run.waitsAsBefore(later))
        // And so it is whatever the folder says.
        let before = machine.run
        #expect(try machine.observe(later, claims: [machine.claim()], receipts: [machine.receipt(0)]).isEmpty)
        #expect(machine.run == before)
        let news = [
            machine.seen(.pending, reason: "Priority"), machine.seen(.pending, restart: 1, reason: "Resources"),
            machine.seen(.pending, .completing, reason: "Resources"), machine.seen(.pending, reason: "JobHeldUser"),
            machine.seen(.running), machine.seen(.cancelled),
            machine.seen(.pending, reason: "Resources") { $0.job = 8 },
        ]
        for seen in news { #expect(!machine.run.waitsAsBefore(seen), "\(seen)") }
    }

    @Test func anUnfitNodeIsLeftOut() throws {
        var machine = Machine()
        try machine.submit()
        try machine.observe(
            machine.seen(.failed, nodes: ["n1", "n2"]), claims: [machine.claim()],
            receipts: [machine.receipt(77, unfit: ["n2"])])
        #expect(machine.run.avoidedNodes == ["n2"])
        #expect(machine.steps() == [.openAttempt(2)])
        #expect(machine.records.contains(.nodesAvoided(["n2"], reason: "node-unfit")))
    }

    /// Covers D26.
    @Test func aJobThatSomebodyCancelledIsNeverBroughtBack() throws {
        var machine = Machine()
        try machine.start()
        try machine.observe(
            machine.seen(.cancelled), claims: [machine.claim()], receipts: [machine.receipt(75, signal: 15)])
        #expect(machine.run.state == .cancelled(elsewhere: true))
        #expect(machine.steps().isEmpty)
    }

    /// Covers D16.
    @Test func wallTimeChainsWhileThereIsProgress() throws {
        var machine = Machine()
        for round in 1...10 {
            try machine.submit()
            try machine.observe(
                machine.seen(.timeout), claims: [machine.claim()], receipts: [machine.receipt(75)],
                committed: round * 10)
            #expect(machine.steps() == [.openAttempt(round + 1)])
        }
        for _ in 1...LifecycleLimits.fruitlessLinksMax {
            #expect(machine.run.isActive)
            try machine.submit()
            try machine.observe(
                machine.seen(.timeout), claims: [machine.claim()], receipts: [machine.receipt(75)], committed: 100)
        }
        guard case .stuck = machine.run.state else { Issue.record("\(machine.run.state)"); return }
    }

    @Test func theWholeChainIsCapped() throws {
        var machine = Machine(policy: LifecyclePolicy(maxTotal: 3600))
        try machine.start()
        machine.clock = 4700
        try machine.observe(
            machine.seen(.timeout) { $0.endsAt = 4600 }, claims: [machine.claim()], receipts: [machine.receipt(75)],
            committed: 50)
        guard case .failed = machine.run.state else { Issue.record("\(machine.run.state)"); return }
        #expect(machine.run.budget.ranSeconds == 3600)
    }

    @Test func aRecipeErrorAndAnOutOfMemoryAreNotRepeated() throws {
        for (base, code) in [(JobObservation.Base.failed, Int32(78)), (.outOfMemory, 137)] {
            var machine = Machine()
            try machine.start()
            try machine.observe(machine.seen(base), claims: [machine.claim()], receipts: [machine.receipt(code)])
            guard case .failed = machine.run.state else { Issue.record("\(machine.run.state)"); return }
        }
    }

    /// Covers B6.
    @Test func aForgottenJobIsGivenUpOnlyAfterAWhile() throws {
        var machine = Machine()
        try machine.start()
        let evidence = Evidence(claims: [machine.claim()])
        try machine.handle(.notInQueue(evidence, lookedAt: 2000, settle: 300))
        #expect(machine.run.isActive && machine.steps().isEmpty)
        try machine.handle(.notInQueue(evidence, lookedAt: 2031, settle: 300))
        machine.clock = 3000
        #expect(machine.steps() == [.openAttempt(2)])
    }

    /// Covers C1.
    @Test func aForgottenJobThatWasDoneIsFinished() throws {
        var machine = Machine()
        try machine.start()
        try machine.handle(
            .notInQueue(
                Evidence(claims: [machine.claim()], receipts: [machine.receipt(0)]), lookedAt: 2000, settle: 300))
        #expect(machine.run.state == .finished)
    }

    /// Covers B6.
    @Test func aForgottenJobThatComesBackGoesOn() throws {
        var machine = Machine()
        try machine.start()
        try machine.handle(.notInQueue(Evidence(claims: [machine.claim()]), lookedAt: 2000, settle: 300))
        try machine.observe(machine.seen(.running), claims: [machine.claim()])
        #expect(machine.run.state == .running(try #require(machine.run.job), epoch: 1))
    }

    /// Covers C9.
    @Test func incarnationsThatNobodySawAreReadFromTheirClaims() throws {
        var machine = Machine()
        try machine.start()
        machine.clock += 1000
        let claims = (0...2).map { machine.claim($0, epoch: $0 + 1) }
        try machine.observe(
            machine.seen(.complete, restart: 2), claims: claims,
            receipts: [machine.receipt(75), machine.receipt(75, 1), machine.receipt(0, 2)])
        #expect(machine.run.state == .finished)
        let epochs = machine.records.compactMap { record -> Int? in
            if case .incarnationEnded(_, let incarnation, _, _, _) = record { incarnation.epoch } else { nil }
        }
        #expect(epochs.sorted() == [1, 2, 3])
    }
}

extension LifecycleTests {
    /// Claim and receipt of a short run are files of another node, and may both show late.
    @Test func aShortRunWhoseFilesShowLateIsWaitedFor() throws {
        var machine = Machine()
        try machine.submit()
        machine.clock += 10
        try machine.observe(machine.seen(.running))
        machine.clock += 2
        try machine.observe(machine.seen(.complete))
        guard case .finishing = machine.run.state else {
            Issue.record("given up at once: \(machine.run.state)")
            return
        }
        machine.clock += 5
        try machine.observe(machine.seen(.complete), claims: [machine.claim()], receipts: [machine.receipt(0)])
        #expect(machine.run.state == .finished)
    }
}
