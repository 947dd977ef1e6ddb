import FoundationEssentials
import MoltCore
import MoltLifecycle
import Testing

/// What follows from repeated failure: within which budget, with which pause, without which node.
struct BudgetTests {
    private static let partition = (1...8).map { "n\($0)" }

    /// One attempt that fails after `seconds` on `node`, leaving `log`.
    private func fail(
        _ machine: inout Machine, on node: String = "n1", after seconds: Double = 300, code: Int32 = 1,
        step: Int? = nil, log: String = "", committed: Int? = nil, partition: [String]? = partition
    ) throws {
        try machine.submit()
        let started = machine.clock
        machine.clock += seconds
        var receipt = machine.receipt(code)
        receipt.lastStep = step
        receipt.failedRank = 0
        receipt.reason = "rank 0 on \(node) ended with status \(code)"
        var evidence = Evidence(claims: [machine.claim()], receipts: [receipt], committedStep: committed)
        evidence.remains = Remains(tails: [LogTail(.rank(0), log)])
        evidence.partitionNodes = partition
        let seen = machine.seen(.failed, nodes: [node]) {
            $0.startedAt = started
            $0.endsAt = started + seconds
            $0.exitStatus = code
        }
        try machine.handle(.observed(seen, evidence, at: machine.clock))
        if case .queued(let queued) = machine.run.state { machine.clock = max(machine.clock, queued.notBefore) }
    }

    private func failure(_ machine: Machine) -> String? {
        if case .failed(let reason) = machine.run.state { reason } else { nil }
    }

    private func stuck(_ machine: Machine) -> String? {
        if case .stuck(let reason) = machine.run.state { reason } else { nil }
    }

    /// The ends of a run with one and the same `log`, until it is over or 50 have passed.
    private func ends(
        _ machine: inout Machine, log: String, code: Int32 = 1, step: (Int) -> Int? = { _ in 7 },
        node: (Int) -> String = { "n\($0 % 8 + 1)" }
    ) throws -> Int {
        for round in 1...50 {
            try fail(&machine, on: node(round), code: code, step: step(round), log: log)
            guard machine.run.isActive else { return round }
        }
        return 50
    }

    @Test(arguments: [
        ("KeyError: 'x'", "same error"), ("FileNotFoundError: [Errno 2] No such file: '/d/x'", "/d/x"),
        ("CUDA error: an illegal memory access was encountered", "illegal memory access"),
    ])
    func theSameErrorAtTheSameStepEndsTheRunAtTheSecondTime(_ log: String, _ named: String) throws {
        var machine = Machine()
        #expect(try ends(&machine, log: log) == 2)
        #expect(failure(machine)?.contains(named) == true, "\(machine.run.state)")
    }

    @Test func numbersInAnErrorDoNotMakeItAnother() throws {
        var machine = Machine()
        try fail(&machine, step: 7, log: "RuntimeError: bad value 0x7f12 at index 18")
        try fail(&machine, step: 7, log: "RuntimeError: bad value 0x7e99 at index 4")
        #expect(failure(machine) != nil)
    }

    @Test func anotherStepOrAnotherErrorIsTriedThreeTimes() throws {
        var machine = Machine()
        #expect(try ends(&machine, log: "KeyError: 'x'", step: { $0 }) == 3)
        machine = Machine()
        for word in ["KeyError: 'a'", "TypeError: b", "IndexError: c"] { try fail(&machine, step: 7, log: word) }
        #expect(failure(machine)?.contains("3 crashes in a row") == true)
    }

    @Test func aCheckpointThatAdvancedBeginsTheCountAnew() throws {
        var machine = Machine()
        for round in 1...20 { try fail(&machine, step: 7, log: "KeyError: 'x'", committed: round) }
        #expect(machine.run.isActive)
    }

    @Test func whatIsKilledFromOutsideIsNoRepetition() throws {
        var machine = Machine()
        #expect(try ends(&machine, log: "", code: 137) == 3)
    }

    /// Covers D20.
    @Test func outOfMemoryIsNotRepeatedUnchanged() throws {
        var machine = Machine()
        #expect(try ends(&machine, log: "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB") == 1)
        #expect(failure(machine)?.contains("lower train.micro_batch") == true)
        machine = Machine()
        #expect(try ends(&machine, log: "Memory cgroup out of memory: Killed process 7 (python3)", code: 137) == 1)
        #expect(failure(machine)?.contains("resources.memory") == true)
    }

    @Test func machinesMayFailMoreOftenThanProgramsAndThenAPersonLooks() throws {
        var machine = Machine()
        #expect(try ends(&machine, log: "NVRM: Xid (PCI:0000:86:00): 79, GPU has fallen off the bus") == 8)
        #expect(stuck(machine)?.contains("8 failures") == true)
        #expect(machine.run.budget.crashes == 0)
    }

    @Test func aNetworkThatFailsEachTimeTheSameWayIsForAPerson() throws {
        var machine = Machine()
        #expect(try ends(&machine, log: "ncclRemoteError: A call failed possibly due to a network error") == 3)
        #expect(stuck(machine) != nil)
    }

    @Test func aFullDiskIsForAPersonAndNothingIsLost() throws {
        var machine = Machine()
        #expect(try ends(&machine, log: "OSError: [Errno 28] No space left on device: '/s/x'") == 3)
        #expect(stuck(machine)?.contains("free some space") == true)
    }

    @Test func numericsFollowThePolicy() throws {
        var machine = Machine()
        #expect(try ends(&machine, log: "", code: 79) == 1)
        machine = Machine(policy: LifecyclePolicy(rollsBackOnNaN: true))
        #expect(try ends(&machine, log: "", code: 79) == 2, "the engine has tried all that it may; once more is enough")
    }

    @Test func thePauseGrowsAsTheSiteSays() throws {
        var policy = LifecyclePolicy(maxCrashes: 10)
        policy.backOff = 30
        policy.backOffMax = 100
        var machine = Machine(policy: policy), pauses: [Double] = []
        for round in 1...4 {
            try machine.submit()
            let receipt = { var receipt = machine.receipt(1); receipt.lastStep = round; return receipt }()
            try machine.observe(machine.seen(.failed), claims: [machine.claim()], receipts: [receipt])
            if case .queued(let queued) = machine.run.state { pauses.append(queued.notBefore - machine.clock) }
        }
        #expect(pauses == [30, 60, 100, 100])
    }

    // MARK: - Nodes

    /// A node that nobody drains takes each job, cannot start it, and has done so before anybody looks: which it is,
    /// is not known.
    ///
    /// Covers D18.
    @Test func aNodeThatCannotStartJobsUnseenCostsTheRunNothingUntilAPersonLooks() throws {
        var machine = Machine(), pauses: [Double] = []
        for _ in 1...50 where machine.run.isActive {
            try machine.submit()
            try machine.observe(machine.seen(.pending, restart: 1, reason: "launch failed requeued held"))
            machine.clock += 1
            try machine.observe(machine.seen(.cancelled, restart: 1))
            guard case .queued(let queued) = machine.run.state else { break }
            pauses.append(queued.notBefore - machine.clock)
            machine.clock = queued.notBefore
        }
        #expect(stuck(machine)?.contains("8 failures of nodes") == true, "\(machine.run.state)")
        #expect(pauses == [5, 10, 20, 40, 80, 160, 300] && machine.run.budget.crashes == 0)
        try machine.handle(.resumeAsked(at: machine.clock))
        #expect(machine.run.isActive, "whoever has seen to the node goes on")
    }

    /// A node on which everything fails at once.
    ///
    /// Covers D25.
    @Test func aBlackHoleCostsTwoAttemptsAndThenTheRunGoesElsewhere() throws {
        var machine = Machine()
        for _ in 1...2 { try fail(&machine, on: "n3", after: 2, log: "No such file or directory: '/data'") }
        #expect(machine.run.isActive, "\(machine.run.state)")
        #expect(machine.run.exclusions(among: Self.partition, needed: 1, at: machine.clock) == ["n3"])
    }

    @Test func aProgramThatFailsEverywhereIsNotBlamedOnNodesForLong() throws {
        var machine = Machine()
        var nodes = ["n1", "n1", "n2", "n3", "n4"][...]
        while machine.run.isActive, let node = nodes.popFirst() {
            try fail(&machine, on: node, after: 2, log: "No such file or directory: '/data'")
        }
        #expect(failure(machine)?.contains("/data") == true)
        #expect(machine.run.lastAttempt == 3)
    }

    @Test func aMachineOfOnesOwnIsNotBlamed() throws {
        var machine = Machine()
        for _ in 1...2 { try fail(&machine, after: 2, log: "KeyError: 'x'", partition: nil) }
        #expect(failure(machine) != nil && machine.run.avoidedNodes.isEmpty)
        machine = Machine()
        for _ in 1...2 { try fail(&machine, after: 2, log: "KeyError: 'x'", partition: ["n1"]) }
        #expect(failure(machine) != nil && machine.run.avoidedNodes.isEmpty)
    }

    @Test(arguments: [(300.0, 0.0), (2, 4000)])
    func slowOrRareFailuresAreNotTheNodes(_ seconds: Double, _ between: Double) throws {
        var machine = Machine()
        for round in 1...2 {
            try fail(&machine, after: seconds, step: round, log: "KeyError: 'x'")
            machine.clock += between
        }
        #expect(machine.run.avoidedNodes.isEmpty)
    }

    @Test func aNodeIsTriedAgainAfterADay() throws {
        var machine = Machine()
        for _ in 1...2 { try fail(&machine, on: "n3", after: 2, log: "KeyError: 'x'") }
        let since = machine.clock
        let excluded = { machine.run.exclusions(among: Self.partition, needed: 1, at: $0) }
        #expect(excluded(since + 86_000) == ["n3"])
        #expect(excluded(since + 86_401) == [])
    }

    @Test func neverMoreThanAQuarterOfThePartitionIsLeftOut() throws {
        var machine = Machine(policy: { var policy = LifecyclePolicy(); policy.maxFaults = 100; return policy }())
        for node in 1...8 { try fail(&machine, on: "n\(node)", log: "GPU is lost.") }
        #expect(machine.run.avoidedNodes.count == 8)
        #expect(machine.run.exclusions(among: Self.partition, needed: 1, at: machine.clock) == ["n7", "n8"])
    }

    // MARK: - What is told

    @Test func everyEndIsFollowedByWhatMoltMadeOfIt() throws {
        var machine = Machine()
        try fail(&machine, log: "KeyError: 'x'")
        let decisions = machine.records.compactMap { record -> String? in
            if case .note("decision", let text) = record { text } else { nil }
        }
        #expect(decisions == ["attempt 2 follows in 5 s (crash 1 of 3 without a new checkpoint)"])
    }

    @Test func theReasonQuotesTheLineThatTellsTheCause() throws {
        var machine = Machine()
        try fail(&machine, log: "Traceback (most recent call last):\nKeyError: 'input_ids'\nbye")
        let reasons = machine.records.compactMap { record -> String? in
            if case .incarnationEnded(_, _, _, let reason, _) = record { reason } else { nil }
        }
        #expect(reasons == ["rank 0 on n1 ended with status 1; its log says: KeyError: 'input_ids'"])
    }

    /// molt-job may die with its ranks; then what the watchers of the ranks wrote down is all there is.
    @Test func withoutAReceiptTheFirstRankToFailAndItsPhaseAreTold() throws {
        var machine = Machine()
        try machine.start()
        var evidence = Evidence(claims: [machine.claim()])
        evidence.remains = Remains(
            workerEnds: [
                WorkerEnd(rank: 0, host: "n1", signal: 6, endedAt: 1020),
                WorkerEnd(rank: 2, host: "n2", signal: 11, endedAt: 1019),
                WorkerEnd(rank: 1, host: "n1", status: 75, endedAt: 1001),
            ], phase: "load")
        for _ in 1...2 {
            machine.clock += 20
            let seen = machine.seen(.failed, nodes: ["n1", "n2"]) { $0.exitSignal = 9 }
            try machine.handle(.observed(seen, evidence, at: machine.clock))
        }
        let reasons = machine.records.compactMap { record -> String? in
            if case .incarnationEnded(_, _, .crashed, let reason, _) = record { reason } else { nil }
        }
        #expect(
            reasons == ["failed with signal 9; rank 2 on n2 failed first, with signal 11 (in phase 'load')"])
    }

    /// The daemon may be newer than its store.
    @Test func aRunStoredByAnOlderVersionIsRead() throws {
        var machine = Machine()
        try fail(&machine, after: 2, log: "KeyError: 'x'")
        let now = String(decoding: try JSONFile.encode(machine.run), as: UTF8.self)
        var old = now
        for key in ["maxRepeats", "maxFaults", "maxFruitless", "backOff", "backOffMax", "exclusion", "nodes"] {
            #expect(old.contains("\"\(key)\":"), "the test must take away what is there")
            old = old.replacing("\"\(key)\":", with: "\"no-\(key)\":")
        }
        let run = try JSONDecoder().decode(RunLifecycle.self, from: Data(old.utf8))
        #expect(run.state == machine.run.state && run.policy == LifecyclePolicy())
    }
}
