import FoundationEssentials
import MoltCore
import MoltScheduler
import MoltTesting

#if canImport(Glibc)
import Glibc
#endif

/// The backends that the conformance suite runs against. None is ever skipped: without Slurm the suite fails.
enum BackendKind: String, CaseIterable, Sendable {
    /// libslurm through the helper, Slurm's commands, and slurmrestd, all to one testbed; the last one also where there
    /// are no commands, which does less.
    case local, slurm, commands, rest, restAlone

    /// Those that can do everything.
    static let allCases: [BackendKind] = [.local, .slurm, .commands, .rest]
    /// For what slurmrestd can do by itself: submitting, looking, cancelling.
    static let andRestAlone = allCases + [.restAlone]

    var isSlurm: Bool { self != .local }

    /// - Parameters:
    ///   - alone: with a node that no other test uses.
    ///   - patient: for a test that waits for minutes and looks now and then; it takes no turn.
    func open(alone: Bool = false, patient: Bool = false) async throws -> Backend {
        switch self {
        case .local: try Backend.local()
        case .slurm, .commands, .rest, .restAlone:
            try await SlurmFixture.shared.backend(self, alone: alone, patient: patient)
        }
    }

    /// One where a job that ignores SIGTERM lives on until the test tells it to end.
    func openWithoutHaste() async throws -> Backend {
        switch self {
        case .local: try Backend.local(killWait: 300)
        case .slurm, .commands, .rest, .restAlone: try await SlurmFixture.own(self, ["--set", "KillWait=300"]).0
        }
    }

    /// Seconds between two looks at a job: each costs the commands a process.
    var pause: Double { self == .commands ? 0.25 : 0.05 }
}

/// A scheduler under test, and the few things in which backends may differ.
final class Backend: Sendable {
    let kind: BackendKind
    let scheduler: any Scheduler
    /// A folder that jobs may write to.
    let folder: String
    /// Goes before a worker's command in a batch script.
    let worker: String
    /// A node for jobs that must have one to themselves (nil: there is but one), and those that the others leave alone.
    let ownNode: String?
    let reserved: [String]
    /// Seconds between two looks at a job.
    let pause: Double
    /// Keeps what the backend lives on.
    private let life: any Sendable

    init(
        kind: BackendKind, scheduler: any Scheduler, folder: String, worker: String, ownNode: String?,
        reserved: [String], pause: Double? = nil, life: any Sendable
    ) {
        self.pause = pause ?? kind.pause
        self.kind = kind
        self.scheduler = scheduler
        self.folder = folder
        self.worker = worker
        self.ownNode = ownNode
        self.reserved = reserved
        self.life = life
    }

    /// Called at the end of a test that needs the backend alive to its end.
    func keep() {}

    static let requeueDelay = 6.0
    static let killWait = 5.0
    static let grace = 8.0

    static func localSettings(killWait: Double = Backend.killWait) -> LocalSettings {
        var settings = LocalSettings(
            nodeName: "here", cpus: 4, gpus: 4, memory: 8 << 30, grace: 0, killWait: killWait,
            requeueDelay: requeueDelay, minimumJobAge: 20)
        settings.addPartition("low20", grace: grace, isPreemptible: true, tier: 1)
        settings.addPartition("short", timeLimit: 60, tier: 1)
        return settings
    }

    static func local(killWait: Double = Backend.killWait) throws -> Backend {
        let folder = TemporaryFolder("local")
        let scheduler = try LocalScheduler(
            folder: folder("state"), settings: localSettings(killWait: killWait), keeper: Programs.path("molt-keep"))
        return Backend(
            kind: .local, scheduler: scheduler, folder: folder.path, worker: "", ownNode: nil, reserved: [],
            life: folder)
    }

    // MARK: Requests

    /// A job that runs `body` under bash; `$worker` before a command makes it a worker.
    func request(_ body: String, _ change: (inout JobRequest) -> Void = { _ in }) -> JobRequest {
        let key = AttemptKey.random()
        var request = JobRequest(
            key: key, name: "case.\(key.short)", script: "#!/bin/bash\nworker='\(worker)'\n\(body)\n",
            workingDirectory: folder, output: "\(folder)/\(key.short).out",
            environment: ["CASE": "\(folder)/\(key.short)"])
        request.partition = "low"
        request.excludedNodes = reserved
        change(&request)
        return request
    }

    /// The same on the node that is this test's alone.
    func requestAlone(_ body: String, _ change: (inout JobRequest) -> Void = { _ in }) -> JobRequest {
        request(body) {
            if let ownNode {
                $0.excludedNodes = []
                $0.options["nodelist"] = ownNode
            }
            $0.cpusPerRank = 4
            change(&$0)
        }
    }

    func submit(_ request: JobRequest) async throws -> Submitted {
        Submitted(job: try await scheduler.submit(request).job, request: request, backend: self)
    }

    func submit(_ body: String, _ change: (inout JobRequest) -> Void = { _ in }) async throws -> Submitted {
        try await submit(request(body, change))
    }
}

/// A job of a test.
struct Submitted: Sendable {
    let job: UInt32
    let request: JobRequest
    let backend: Backend

    var key: AttemptKey { request.key }
    var scheduler: any Scheduler { backend.scheduler }
    var output: String { text(request.output) }

    func status() async throws -> JobStatus? { try await scheduler.load(job) }

    /// The contents of `$CASE.<name>`, which the job may have written.
    func note(_ name: String) -> String { text("\(backend.folder)/\(key.short).\(name)") }

    func text(_ path: String) -> String {
        (try? DurableFile.read(path)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// Writes `$CASE.<name>`, for which the job may wait.
    func tell(_ name: String) throws {
        try DurableFile.write(Data("x\n".utf8), to: "\(backend.folder)/\(key.short).\(name)")
    }

    /// Waits until the status satisfies `condition`, and returns it; throws with the last one seen.
    @discardableResult
    func wait(_ seconds: Double = 30, until condition: (JobStatus) -> Bool) async throws -> JobStatus {
        var last: JobStatus?
        let found = try await eventually(within: seconds, every: backend.pause) {
            last = try await status()
            return last.map(condition) ?? false
        }
        guard found, let last else { throw NeverHappened(last: last, output: output) }
        return last
    }

    /// Waits until the job's script has written `$CASE.<name>`.
    func waitForNote(_ name: String, _ seconds: Double = 30) async throws {
        guard await eventually(within: seconds, { !note(name).isEmpty }) else {
            throw NeverHappened(last: try await status(), output: output)
        }
    }

    func waitForEnd(_ seconds: Double = 30) async throws -> JobStatus {
        try await wait(seconds) { $0.state.isTerminal && !$0.flags.contains(.completing) }
    }

    func end() async { try? await scheduler.cancel(job, key: key) }
}

struct NeverHappened: Error, CustomStringConvertible {
    let last: JobStatus?
    let output: String

    var description: String { "it never happened; last seen: \(String(describing: last)); output: \(output)" }
}

enum Programs {
    /// A program built beside the tests.
    static func path(_ name: String) -> String {
        let ours = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return ours.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" } + "/\(name)"
    }
}
