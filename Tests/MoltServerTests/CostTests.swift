import FoundationEssentials
import Logging
import MoltAPI
import MoltCore
import MoltRecipe
import MoltScheduler
import MoltServer
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// What `molt report` makes of the store and of what runs have written.
struct CostTests {
    private let daemon: TestDaemon

    init() throws {
        daemon = try TestDaemon()
    }

    private func lines(_ by: CostQuery.Grouping, since: Double = 0) async throws -> [CostLine] {
        try await daemon.service.costs(CostQuery(by: by, since: since)).lines
    }

    private func line(_ by: CostQuery.Grouping, since: Double = 0) async throws -> CostLine {
        let lines = try await lines(by, since: since)
        try #require(lines.count == 1)
        return lines[0]
    }

    private func steps(_ numbers: ClosedRange<Int>, from start: Double) -> [String] {
        ["{\"t\":\(start),\"kind\":\"phase\",\"phase\":\"step\"}"] + numbers.enumerated().map { index, step in
            "{\"t\":\(start + 10 * Double(index + 1)),\"kind\":\"step\",\"step\":\(step),\"seconds\":10}"
        }
    }

    private func spans(_ run: String) async throws -> [(Double, Double)] {
        try await daemon.detail(run).attempts.flatMap(\.incarnations).compactMap { incarnation in
            incarnation.startedAt.map { ($0, incarnation.endedAt ?? daemon.clock.now()) }
        }
    }

    /// Takes ten steps of 10 s on n1, is preempted, and takes the last five of them and five more on n2 half a minute
    /// later.
    private func preemptedRun() async throws -> String {
        let (run, job) = try await daemon.running()
        try daemon.report(run, epoch: 1, steps(1...10, from: try await spans(run)[0].0))
        try await daemon.pass(100, step: 10)
        try await daemon.restart(run, job, on: ["n2"])
        try daemon.report(run, epoch: 2, steps(6...15, from: try await spans(run)[1].0))
        try await daemon.pass(110, step: 10)
        try await daemon.finish(run, job)
        return run
    }

    @Test func aRunsHoursAreThoseOfItsStartsByWhateverTheyAreGrouped() async throws {
        let run = try await preemptedRun(), spans = try await spans(run)
        let hours = spans.map { $0.1 - $0.0 }.reduce(0, +) / 3600, gap = (spans[1].0 - spans[0].1) / 3600
        let user = getpwuid(getuid()).map { String(cString: $0.pointee.pw_name) } ?? ""
        for (grouping, key) in [(CostQuery.Grouping.run, run), (.user, user)] {
            let line = try await line(grouping)
            #expect(line.key == key && line.runs == 1 && line.interruptions == 1)
            #expect(abs(line.allocated - hours) < 1e-9 && abs(line.handOver - gap) < 1e-9)
            #expect(abs(line.productive - 150.0 / 3600) < 1e-9, "ten new steps, and the first five of the first start")
            #expect(line.repeated >= 50.0 / 3600)
        }
        let cause = try await line(.cause)
        #expect(cause.key == "preempted" && abs(cause.handOver - gap) < 1e-9 && cause.repeated >= 50.0 / 3600)
        let nodes = Dictionary(uniqueKeysWithValues: try await lines(.node).map { ($0.key, $0) })
        #expect(Set(nodes.keys) == ["n1", "n2"])
        #expect(abs(nodes.values.map(\.allocated).reduce(0, +) - hours) < 1e-9)
        #expect(nodes["n1"]?.interruptions == 1 && nodes["n2"]?.interruptions == 0)
        #expect(abs((nodes["n1"]?.handOver ?? 0) - gap) < 1e-9, "it was lost with this node")
    }

    @Test func onlyWhatFallsIntoTheTimeAskedForIsCounted() async throws {
        let run = try await preemptedRun(), spans = try await spans(run)
        // In the middle of the first start, of the hand-over, and of the second start.
        for since in [spans[0].0 + 50, spans[0].1 + 10, spans[1].0 + 60] {
            let expected = spans.map { max(0, $0.1 - max($0.0, since)) }.reduce(0, +) / 3600
            for grouping in [CostQuery.Grouping.run, .user, .node] {
                let allocated = try await lines(grouping, since: since).map(\.allocated).reduce(0, +)
                #expect(abs(allocated - expected) < 1e-9, "\(grouping) since \(since - spans[0].0)")
            }
            let gap = max(0, spans[1].0 - max(spans[0].1, since)) / 3600
            let handOver = try await lines(.cause, since: since).map(\.handOver).reduce(0, +)
            #expect(abs(handOver - gap) < 1e-9)
        }
        #expect(try await lines(.cause, since: spans[1].0 + 60).isEmpty)
        #expect(try await lines(.run, since: daemon.clock.now() + 1).isEmpty)
    }

    /// What it wrote lies elsewhere, and lines of a program of the user's own have no time.
    ///
    /// - Parameter isTimed: the program tells when it took its steps.
    @Test(arguments: [false, true])
    func theStepsOfAHandWrittenJobCount(isTimed: Bool) async throws {
        let site = Site(name: "bed", kind: .slurm, prefix: "/opt/molt", runs: daemon.folder("runs"))
        let job = await daemon.scheduler.addHandWritten(), start = daemon.clock.now()
        let records = RunFolder(path: "\(daemon.folder("runs"))/bot").pluginRecords(jobID: job, incarnation: 0)
        func write(_ name: String, _ text: String, at moment: Double) throws {
            try DurableFile.makeFolder(records)
            try DurableFile.write(Data(text.utf8), to: "\(records)/\(name)")
            let times = [timespec](repeating: timespec(tv_sec: Int(moment), tv_nsec: 0), count: 2)
            try #require(utimensat(AT_FDCWD, "\(records)/\(name)", times, 0) == 0)
        }
        let head = "{\"version\":1,\"host\":\"n1\",\"job\":\(job),\"incarnation\":0,\"startedAt\":\(start)"
        try write("adopted.json", "\(head),\"nodes\":1,\"batch\":true}\n", at: start)
        await AdoptionScan(service: daemon.service, logger: Logger(label: "t")).look(at: site)
        try await daemon.pass(100, step: 10)
        let taken = (1...10).map { step in
            "{\(isTimed ? "\"t\":\(start + 10 * Double(step))," : "")\"step\":\(step),\"loss\":2}\n"
        }
        try write("progress-0-0.jsonl", taken.joined(), at: start + 100)
        try await daemon.pass(20, step: 10)
        let line = try await line(.run)
        #expect(abs(line.start - 10.0 / 3600) < 1e-6, "until the first line: \(line)")
        #expect(abs(line.productive - 90.0 / 3600) < 1e-6, "\(line)")
        #expect(abs(line.allocated - 120.0 / 3600) < 1e-6, "\(line)")
        #expect(try #require(line.ettr) > 0.7)
    }
}
