import MoltCore
import Testing

import MoltScheduler

/// The local site's decisions, without a process or a clock.
@Suite struct LocalQueueTests {
    private static let settings = LocalSettings(
        nodeName: "here", cpus: 4, gpus: 2, memory: 8 << 30, grace: 20, killWait: 30, requeueDelay: 2,
        minimumJobAge: 100)

    private var queue = LocalQueue(settings: settings)

    private func request(
        partition: String? = nil, cpus: Int = 1, gpus: Int = 0, change: (inout JobRequest) -> Void = { _ in }
    ) -> JobRequest {
        var request = JobRequest(
            key: .random(), name: "a.b", script: "#!/bin/bash\n", workingDirectory: "/", output: "/tmp/x",
            cpusPerRank: cpus, gpusPerNode: gpus)
        request.partition = partition
        change(&request)
        return request
    }

    private mutating func add(_ request: JobRequest, at now: Double = 0) throws -> UInt32 {
        try queue.submit(request, userID: 1, now: now)
    }

    private mutating func add(
        partition: String? = nil, cpus: Int = 1, gpus: Int = 0, at now: Double = 0
    ) throws -> UInt32 {
        try add(request(partition: partition, cpus: cpus, gpus: gpus), at: now)
    }

    /// A step in which every job that was started shows its keeper.
    private mutating func step(
        _ now: Double, _ observed: [UInt32: LocalQueue.Observation] = [:]
    ) -> [LocalQueue.Action] {
        var all = observed
        for job in queue.jobs.values where job.holdsResources && all[job.id] == nil { all[job.id] = .alive }
        return queue.step(now: now, observed: all)
    }

    private func reason(_ id: UInt32) -> String? { queue.jobs[id]?.status.reason }
    private func state(_ id: UInt32) -> JobState? { queue.jobs[id]?.status.state }

    @Test mutating func jobsStartInOrderWhileThereIsRoom() throws {
        let first = try add(cpus: 2), second = try add(cpus: 2), third = try add()
        #expect(step(1) == [.start(first), .start(second)])
        #expect(reason(third) == "Resources")
        #expect(step(2, [first: .ended(0)]) == [.start(third)])
        #expect(state(first) == .complete)
    }

    @Test mutating func whileNothingCanBeWrittenNothingStartsOrIsForgotten() throws {
        let first = try add(request(cpus: 4) { $0.timeLimit = 60 })
        _ = step(1)
        let second = try add()
        #expect(queue.step(now: 62, observed: [first: .alive], canWrite: false) == [.signal(first, 15, .all)])
        #expect(queue.step(now: 93, observed: [first: .alive], canWrite: false) == [.kill(first)])
        #expect(queue.step(now: 94, observed: [first: .ended(9)], canWrite: false) == [])
        #expect(queue.step(now: 300, observed: [:], canWrite: false) == [])
        #expect(state(first) == .timeout && state(second) == .pending)
        #expect(step(301) == [.forget(first), .start(second)])
    }

    @Test mutating func aSmallJobDoesNotOvertakeALargeOne() throws {
        let running = try add(cpus: 2)
        _ = step(1)
        let large = try add(cpus: 4), small = try add()
        #expect(step(2) == [])
        #expect(reason(large) == "Resources" && reason(small) == "Priority")
        #expect(state(running) == .running)
    }

    @Test mutating func gpusAreGivenByIndexAndTakenBack() throws {
        let first = try add(gpus: 1), second = try add(gpus: 1), third = try add(gpus: 1)
        _ = step(1)
        #expect(queue.jobs[first]?.gpus == [0] && queue.jobs[second]?.gpus == [1])
        _ = step(2, [first: .ended(0)])
        #expect(queue.jobs[third]?.gpus == [0])
    }

    @Test mutating func highTakesTheYoungestLowJobsAndNoMoreThanItNeeds() throws {
        let old = try add(cpus: 2, at: 0)
        _ = step(1)
        let young = try add(cpus: 2, at: 2)
        _ = step(2)
        let high = try add(partition: "high", cpus: 2, at: 3)
        #expect(step(4) == [.signal(young, 15, .workers)])
        #expect(queue.jobs[young]?.status.preemptedAt == 4)
        #expect(step(5) == [], "one request for room is enough")
        #expect(state(old) == .running && reason(high) == "Resources")
        // The grace is over: it is put back, its restart counted at once, its room kept until it is gone.
        #expect(step(24) == [.signal(young, 15, .all)])
        #expect(state(young) == .pending && queue.jobs[young]?.status.flags.contains(.completing) == true)
        #expect(queue.jobs[young]?.status.restartCount == 1)
        #expect(step(53.9) == [])
        #expect(step(54) == [.kill(young)])
        #expect(step(55, [young: .ended(9)]) == [.start(high)])
        #expect(reason(young) == "BeginTime")
        #expect(step(57.1, [high: .ended(0)]) == [.start(young)])
        #expect(queue.jobs[young]?.stem == "\(young).1")
    }

    @Test mutating func nothingIsPreemptedWhenThatWouldNotMakeRoom() throws {
        let high = try add(partition: "high", cpus: 3)
        _ = step(1)
        let low = try add(cpus: 1)
        _ = step(2)
        let next = try add(partition: "high", cpus: 4)
        #expect(step(3) == [])
        #expect(state(low) == .running && state(high) == .running && reason(next) == "Resources")
    }

    @Test mutating func highDoesNotPreemptHigh() throws {
        _ = try add(partition: "high", cpus: 4)
        _ = step(1)
        _ = try add(partition: "high", cpus: 4)
        #expect(step(2) == [])
    }

    @Test mutating func anEndWithinTheGraceIsAnEnd() throws {
        let low = try add(cpus: 4)
        _ = step(1)
        let high = try add(partition: "high", cpus: 4)
        _ = step(2)
        #expect(step(3, [low: .ended(75 << 8)]) == [.start(high)])
        #expect(state(low) == .failed && queue.jobs[low]?.status.exitStatus == 75)
    }

    @Test mutating func theLimitWarnsOnceThenEnds() throws {
        let id = try add(request { $0.timeLimit = 100; $0.warning = .init(signal: 10, secondsBefore: 30) })
        _ = step(0)
        #expect(step(69) == [])
        #expect(step(70) == [.signal(id, 10, .workers)])
        #expect(step(80) == [])
        #expect(step(100) == [.signal(id, 15, .all)])
        #expect(state(id) == .timeout)
        #expect(step(110, [id: .ended(15)]) == [])
        #expect(state(id) == .timeout && queue.jobs[id]?.phase == .ended)
    }

    @Test mutating func aLostJobIsSweptAndPutBack() throws {
        let id = try add()
        _ = step(1)
        #expect(step(2, [id: .lost]) == [.sweep(id, stem: "\(id).0")])
        #expect(state(id) == .pending && queue.jobs[id]?.status.restartCount == 1)
        #expect(step(5) == [.start(id)])
    }

    @Test mutating func aLostJobThatWasBeingCancelledStaysCancelled() throws {
        let one = request()
        let id = try add(one)
        _ = step(1)
        _ = try queue.cancel(id, key: one.key, now: 2)
        _ = step(3, [id: .lost])
        #expect(state(id) == .cancelled && queue.jobs[id]?.phase == .ended)
    }

    @Test mutating func cancelWinsOverARequeueInProgress() throws {
        let one = request()
        let id = try add(one)
        _ = step(1)
        _ = try queue.requeue(id, key: one.key, now: 2)
        _ = try queue.cancel(id, key: one.key, now: 3)
        _ = step(4, [id: .ended(15)])
        #expect(state(id) == .cancelled)
        #expect(try queue.requeue(id, key: one.key, now: 5) == [])
        #expect(state(id) == .cancelled)
    }

    @Test mutating func aHoldOutlivesARequeue() throws {
        let one = request()
        let id = try add(one)
        _ = step(1)
        try queue.update(id, key: one.key, change: .hold, now: 2)
        _ = try queue.requeue(id, key: one.key, now: 3)
        _ = step(4, [id: .ended(15)])
        #expect(step(50) == [])
        #expect(reason(id) == "JobHeldUser")
    }

    @Test mutating func endedJobsAreForgottenInTime() throws {
        let id = try add()
        _ = step(1)
        _ = step(2, [id: .ended(0)])
        #expect(step(101) == [])
        #expect(step(103) == [.forget(id)])
        #expect(queue.jobs.isEmpty && !queue.isActive)
    }

    /// Random events for a long while: the invariants that must hold whatever happens.
    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    mutating func noSequenceOfEventsBreaksTheInvariants(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var now = 0.0
        var requests: [UInt32: JobRequest] = [:]
        for turn in 0..<400 {
            now += Double(random.next() % 8)
            let known = requests.keys.sorted()
            let pick = known.isEmpty ? 0 : known[Int(random.next() % UInt64(known.count))]
            let key = requests[pick]?.key ?? .random()
            switch random.next() % 8 {
            case 0, 1:
                let wanted = request(
                    partition: random.next() % 3 == 0 ? "high" : "low", cpus: Int(random.next() % 4) + 1,
                    gpus: Int(random.next() % 3)
                ) { if random.next() % 2 == 0 { $0.timeLimit = Double(random.next() % 60) + 1 } }
                requests[try queue.submit(wanted, userID: 1, now: now)] = wanted
            case 2: _ = try? queue.cancel(pick, key: key, now: now)
            case 3: _ = try? queue.requeue(pick, key: key, now: now)
            case 4: try? queue.update(pick, key: key, change: random.next() % 2 == 0 ? .hold : .release, now: now)
            default: break
            }
            var observed: [UInt32: LocalQueue.Observation] = [:]
            for job in queue.jobs.values.sorted(by: { $0.id < $1.id }) where job.holdsResources {
                let news: [LocalQueue.Observation] = [.alive, .alive, .alive, .absent, .ended(0), .ended(15), .lost]
                observed[job.id] = news[Int(random.next() % 7)]
            }
            let before = queue.jobs
            _ = queue.step(now: now, observed: observed)
            try check(turn, before: before)
        }
    }

    private func check(_ turn: Int, before: [UInt32: LocalJob]) throws {
        let holders = queue.jobs.values.filter(\.holdsResources)
        #expect(holders.reduce(0) { $0 + $1.cpus } <= 4, "turn \(turn)")
        let gpus = holders.flatMap(\.gpus)
        #expect(Set(gpus).count == gpus.count && gpus.count <= 2, "turn \(turn)")
        for job in queue.jobs.values {
            #expect((job.phase == .ended) == (job.status.state.isTerminal && !job.status.flags.contains(.completing)))
            #expect(job.phase != .waiting || job.status.state == .pending)
            #expect(job.gpus.count == (job.holdsResources ? job.request.gpusPerNode : 0))
            if let old = before[job.id] {
                #expect(old.phase != .ended || job.phase == .ended, "an end is an end")
                #expect(job.status.restartCount >= old.status.restartCount || old.status.state == .pending)
                #expect(job.incarnation >= old.incarnation)
            }
        }
    }
}

/// SplitMix64: the same numbers for the same seed, everywhere.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
