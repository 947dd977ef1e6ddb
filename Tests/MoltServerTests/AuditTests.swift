import FoundationEssentials
import Logging
import MoltAPI
import MoltCore
import MoltHTTP
import MoltScheduler
import MoltServer
import MoltStore
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// The audit log: what is written, and that whatever is done to it afterwards is found.
struct AuditTests {
    private let daemon: TestDaemon
    private let home: String

    init() throws {
        daemon = try TestDaemon()
        home = daemon.folder.path
    }

    private var trail: AuditTrail { AuditTrail(home: home) }

    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func log(fileBytes: Int = AuditTrail.fileBytes) -> AuditLog {
        AuditLog(home: home, logger: Self.logger, fileBytes: fileBytes)
    }

    private func write(_ count: Int, to log: AuditLog, from first: Int = 1) {
        for number in first..<first + count {
            log.write(AuditRecord(at: Double(number), userID: 7, source: "daemon", verb: "test", words: "no \(number)"))
        }
        log.sync()
    }

    private func lines() throws -> [String] {
        String(decoding: try DurableFile.read(trail.current), as: UTF8.self).split(separator: "\n").map(String.init)
    }

    private func put(_ lines: [String]) throws {
        try DurableFile.write(Data(lines.map { $0 + "\n" }.joined().utf8), to: trail.current)
    }

    // MARK: What is written

    @Test func everyWishOfAPersonIsWrittenBeforeItIsDoneAndOnceMoreWithWhatBecameOfIt() async throws {
        let audit = log(), operations = AuditedOperations(service: daemon.service, audit: audit, userID: 7)
        let run = try await operations.submit(TestDaemon.request(TestDaemon.recipe("count"), held: true)).id
        _ = try await operations.act(.release, on: run, ActionRequest())
        _ = try await operations.act(.cancel, on: String(run.prefix(6)), ActionRequest())
        await #expect(throws: APIError.self) { try await operations.act(.resume, on: "nobody", ActionRequest()) }
        let before = try await operations.recipe(run).recipe
        let after = before.replacing("\"true\"", with: "\"false\"")
        _ = try? await operations.edit(run, EditRequest(before: before, after: after, changes: ["command=false"]))
        try await operations.remove(run)
        let told = trail.newest(100).map(\.record)
        #expect(told.map(\.verb) == ["submit", "release", "cancel", "resume", "edit", "remove"].flatMap { [$0, $0] })
        for (index, record) in told.enumerated() {
            #expect((record.after == nil) == (index % 2 == 0) && record.userID == 7, "\(record)")
        }
        #expect(told[1].run == run && told[1].after == "held" && told[1].words?.contains("to site bed") == true)
        #expect(told[2].before == "held" && told[3].after == "queued")
        #expect(told[4].before == "queued" && told[5].after == "cancelled" && told[5].run == run)
        #expect(told[7].after == "refused" && told[7].words?.contains("there is no run") == true)
        #expect(told[11].after == "removed" && told[11].run == run)
        #expect(trail.verify().problem == nil)
    }

    @Test func overTheSocketItIsKnownWhichProgramAsked() async throws {
        let audit = log(), folder = TemporaryFolder("audit"), socket = folder("s")
        let (ready, signal) = AsyncStream.makeStream(of: Void.self)
        let service = HTTPService(
            operations: AuditedOperations(service: daemon.service, audit: audit, userID: getuid()), socket: socket,
            logger: Self.logger, onListening: { signal.yield() })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await service.run() }
            for await _ in ready { break }
            let request = TestDaemon.request(try TestDaemon.recipe("count"))
            _ = try await MoltClient(socket: socket, timeout: 5).submit(request)
            group.cancelAll()
        }
        let told = trail.newest(10).map(\.record)
        #expect(told.count == 2 && told.allSatisfy { $0.userID == getuid() })
        #expect(told.allSatisfy { $0.source.hasPrefix("pid \(getpid()) (") }, "\(told.map(\.source))")
    }

    @Test func everyActOnAJobIsWrittenWithItsRunAndKey() async throws {
        let store = daemon.store
        let scheduler = AuditedScheduler(
            scheduler: daemon.scheduler, audit: log(), site: "bed", userID: 7, now: { 5 },
            run: { key in try? await store.read { try $0.attempt(key: key.rawValue)?.run } })
        let (run, job) = try await daemon.running()
        let key = try daemon.key(run).0, stranger = AttemptKey.random()
        try await scheduler.signal(job, key: key, signal: SIGTERM, to: .workers)
        try? await scheduler.cancel(job, key: stranger)
        try await scheduler.cancel(job, key: key)
        _ = try await scheduler.loadJobs()
        let told = trail.newest(100).map(\.record)
        let verbs = told.map(\.verb)
        #expect(verbs == ["job.signal", "job.signal", "job.cancel", "job.cancel", "job.cancel", "job.cancel"])
        #expect(told.map(\.run) == [run, run, nil, nil, run, run] && told.allSatisfy { $0.job == job })
        #expect(told.map(\.after) == [nil, "done", nil, "refused", nil, "done"])
        #expect(told[0].key == key.rawValue && told[0].words == "site bed, signal 15 to workers")
    }

    // MARK: What is done to it

    @Test func whateverSomebodyChangesIsFound() throws {
        let audit = log()
        write(12, to: audit)
        let good = try lines()
        #expect(trail.verify().problem == nil && trail.verify().records == 12)
        for number in 0..<12 {
            for change in [
                { (line: String) in line.replacing("\"userID\":7", with: "\"userID\":8") },
                { $0.replacing("\"words\"", with: "\"wordz\"") }, { $0.replacing("test", with: "Test") },
                { $0.replacing("{\"hash\":\"", with: "{\"hash\":\"0") }, { String($0.dropLast()) }, { $0 + " " },
            ] {
                var bad = good
                bad[number] = change(good[number])
                try #require(bad[number] != good[number])
                try put(bad)
                #expect(trail.verify().problem?.contains("line \(number + 1) ") == true, "\(bad[number])")
            }
            var less = good
            less.remove(at: number)
            try put(less)
            #expect(trail.verify().problem != nil, "without line \(number + 1)")
            try put(good + [good[number]])
            #expect(trail.verify().problem != nil, "with line \(number + 1) again")
            if number > 0 {
                var other = good
                other.swapAt(number - 1, number)
                try put(other)
                #expect(trail.verify().problem != nil, "lines \(number) and \(number + 1) change places")
            }
        }
        try put([])
        #expect(trail.verify().problem?.contains("there was a record 12") == true)
        // A line made anew, with a hash of its own, leaves the next one without its forerunner.
        var forged = good
        let old = try #require(AuditLine(parsing: Array(good[5].utf8)))
        var record = old.record
        record.userID = 8
        forged[5] = String(decoding: try AuditLine(record, number: 6, previous: old.previous).bytes, as: UTF8.self)
        try put(forged)
        #expect(trail.verify().problem?.contains("record 7, does not follow record 6") == true)
        // Even the last one: its hash was noted.
        forged = good
        forged[11] = String(
            decoding: try AuditLine(record, number: 12, previous: AuditLine(parsing: Array(good[10].utf8))?.hash ?? "")
                .bytes, as: UTF8.self)
        try put(forged)
        #expect(trail.verify().problem?.contains("another than the one that was there") == true)
        try put(good)
        #expect(trail.verify().problem == nil)
    }

    @Test func fullFilesAreSetAsideAndTheChainGoesOnThroughThem() throws {
        let audit = log(fileBytes: 2000)
        write(40, to: audit)
        let few = trail.rotated()
        #expect(few.count > 2 && few.count < AuditTrail.filesMax)
        #expect(trail.verify().records == 40 && trail.verify().problem == nil)
        // One of a few that is gone was not taken away for want of room.
        for path in few {
            let kept = try DurableFile.read(path)
            unlink(path)
            #expect(trail.verify().problem != nil, "\(path)")
            try DurableFile.write(kept, to: path)
        }
        #expect(trail.newest(35).map(\.number) == Array(6...40))
        write(160, to: audit, from: 41)
        let verdict = trail.verify()
        #expect(trail.rotated().count == AuditTrail.filesMax && verdict.problem == nil, "\(verdict)")
        #expect(verdict.first ?? 0 > 1 && verdict.last?.number == 200)
        #expect(verdict.records == 201 - (verdict.first ?? 0))
        let path = trail.rotated()[3]
        try DurableFile.write(Data(), to: path)
        #expect(trail.verify().problem != nil)
    }

    /// Whoever verifies while files are being set aside sees no gap.
    @Test func verifyingWhileTheDaemonWritesRaisesNoFalseAlarm() async {
        let audit = log(fileBytes: 2000), trail = trail
        let writer = Task.detached {
            for number in 0..<200 {
                audit.write(AuditRecord(at: Double(number), userID: 7, source: "daemon", verb: "test"))
                if number % 20 == 0 { audit.sync() }
            }
        }
        var looks = 0
        while trail.newest(1).last?.number != 200 || looks == 0 {
            #expect(trail.verify().problem == nil)
            looks += 1
        }
        await writer.value
        #expect(trail.verify().last?.number == 200)
    }

    /// Covers H5.
    @Test func aRestoredDatabaseTakesNothingFromIt() async throws {
        let audit = log(), operations = AuditedOperations(service: daemon.service, audit: audit, userID: 7)
        try await daemon.backUp()
        let run = try await operations.submit(TestDaemon.request(TestDaemon.recipe("count"))).id
        audit.sync()
        try await daemon.restartDamaged()
        write(1, to: log())
        #expect(trail.verify().records == 3 && trail.verify().problem == nil)
        #expect(trail.newest(3).map(\.record.run) == [nil, run, nil])
    }

    @Test func theNextDaemonGoesOnWhereTheLastOneStopped() throws {
        write(3, to: log())
        // Half a line, as a machine without power leaves it.
        let half = try DurableFile.read(trail.current) + Data(try lines()[0].utf8.prefix(60))
        try DurableFile.write(half, to: trail.current)
        let one = log(), other = log()
        write(1, to: one, from: 4)
        // One that was taken for dead and wakes up writes behind what its successor has written.
        write(1, to: other, from: 5)
        write(1, to: one, from: 6)
        #expect(trail.newest(9).map(\.record.at) == [1, 2, 3, 4, 5, 6])
        #expect(trail.verify().problem == nil)
        var status = stat()
        #expect(stat(trail.current, &status) == 0 && status.st_mode & 0o777 == 0o600)
    }

    @Test func whatCouldNotBeWrittenIsCounted() throws {
        let folder = TemporaryFolder("audit"), home = folder("home")
        let audit = AuditLog(home: home, logger: Self.logger), trail = AuditTrail(home: home)
        write(3, to: audit)
        #expect(trail.verify().records == 0)
        try DurableFile.makeFolder(home)
        write(1, to: audit, from: 4)
        #expect(trail.newest(5).map(\.record.verb) == ["audit.gap", "test"])
        #expect(trail.newest(5).first?.record.after == "3" && trail.verify().problem == nil)
    }

    /// What was changed stays found, and what comes after it is kept.
    @Test func aChangedLogIsGoneOnWithButNeverWhole() throws {
        write(3, to: log())
        var bad = try lines()
        bad[2] = bad[2].replacing("test", with: "Test")
        try put(bad)
        write(2, to: log(), from: 4)
        #expect(trail.newest(9).map(\.record.at) == [1, 2, 4, 5])
        #expect(trail.verify().problem?.contains("line 3 ") == true)
    }
}
