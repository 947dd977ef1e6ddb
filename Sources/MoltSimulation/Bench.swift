import MoltCore
import MoltLifecycle
import MoltReconcile
import MoltScheduler

/// A model cluster in which nothing goes wrong by itself, for experiments.
final class Bench {
    let world: World
    private(set) var seen: [String] = []
    private(set) var key = ModelKeys.key(0)

    init() {
        world = World(seed: 1, setting: .quiet)
        world.isCalm = true
        world.submitRun(steps: 100_000)
    }

    func request(held: Bool = false) -> JobRequest {
        key = world.nextKey()
        world.attempts[key] = (0, 1)
        var request = JobRequest(key: key, name: "r", script: "", workingDirectory: "/", output: "/")
        request.timeLimit = 3600
        request.held = held
        return request
    }

    @discardableResult
    func submit(held: Bool = false) -> UInt32 {
        guard case .submitted(let job) = world.ask(.submit(request(held: held))) else { return 0 }
        return job
    }

    /// A job that runs.
    func start() -> UInt32 {
        let job = submit()
        watch(job, seconds: 20) { $0 == "RUNNING" }
        world.advance(to: world.now + 1)
        return job
    }

    /// The newest shell ends with this wait(2) word.
    func endShell(word: Int32) {
        world.advance(to: world.now + 1)
        if let shell = world.shells.last { world.killShell(shell.number, word: word) }
    }

    /// Other jobs take every node for a while.
    func occupy(for seconds: Double) {
        for node in world.nodes.indices { world.nodes[node].responds = false }
        for node in world.nodes.indices { world.plan(.nodeHeals(node), after: seconds) }
    }

    /// Notes the different sights of a job in their order, until one that is waited for.
    @discardableResult
    func watch(_ job: UInt32, seconds: Double, until isOver: (String) -> Bool) -> [String] {
        let end = world.now + seconds
        while true {
            let sight = self.sight(job)
            if seen.last != sight { seen.append(sight) }
            if isOver(sight) || world.now >= end { return seen }
            world.advance(to: world.now + 0.01)
        }
    }

    static func isEnd(_ sight: String) -> Bool {
        !["PENDING", "RUNNING", "SUSPENDED"].contains(where: sight.hasPrefix) && !sight.contains("+COMPLETING")
    }

    func sight(_ id: UInt32) -> String {
        guard world.controller.mode == .up else { return seen.last ?? "" }
        guard let index = world.controller.index(of: id) else { return "unknown" }
        let job = world.controller.memory.jobs[index].status(now: world.controllerTime, names: world.nodeNames)
        var words = Self.names[job.state.rawValue]
        if job.flags.contains(.completing) { words += "+COMPLETING" }
        if job.flags.contains(.specialExit) { words += "+SPECIAL_EXIT" }
        if job.restartCount > 0 { words += " restarts=\(job.restartCount)" }
        if job.preemptedAt != nil { words += " preempted" }
        if job.state == .pending, ["BeginTime", "JobHeldUser", "JobHeldAdmin"].contains(job.reason) {
            words += " \(job.reason)"
        }
        return words
    }

    private static let names = [
        "PENDING", "RUNNING", "SUSPENDED", "COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "NODE_FAIL", "PREEMPTED",
        "BOOT_FAIL", "DEADLINE", "OUT_OF_MEMORY",
    ]

    /// True when the controller has the job that was asked for last.
    var exists: Bool { world.controller.memory.jobs.contains { $0.key == key } }

    func words(_ answer: Answer) -> String {
        switch answer {
        case .failed(let code): "submit fails with \(code)"
        case .reset: "submit fails with \(Numbers.connectionReset)"
        case .submitted, .table, .job, .configuration, .done, .keyMismatch: "submit succeeds"
        }
    }
}

extension Setting {
    /// The testbed's timing, and no trouble.
    static let quiet = Setting(
        nodes: 2, requeueDelay: 6, killWait: 5, minimumJobAge: 20, isPreemptible: true, controllerAhead: 0,
        version: "slurm 22.05.8", poll: 5, runs: 0, crash: 0, answerLost: 0, refusal: 0, later: 0, badEnd: 0,
        launchFailure: 0, writeFailure: 0, startHang: 0,
        faultInterval: nil, faults: [], userInterval: nil, adminInterval: nil,
        calmAt: 1e9, fileDelay: 0)
}

extension World {
    func deathAfter(_ seconds: Double) {
        plan(.controllerDies, after: seconds)
    }
}
