import FoundationEssentials
import MoltAPI
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// One place of Molt's at which one thing goes wrong, on a real cluster, while a person uses it as ever.
struct FailpointTrial {
    enum Effect: String, CaseIterable { case kill, error, delay }

    /// What has to happen for a program to come by the place.
    enum Way {
        case runs, lasts, isPutBack, isStopped, isCancelled, isHeld, isDoubted, isCopied, comesBack, isRemoved
        case isNotified, daemonStops, outlivesItsTime, trains
    }

    let point: Failpoint
    let effect: Effect
    let cluster: LiveCluster

    private var name: String { "\(point.rawValue)-\(effect.rawValue)" }
    private var marks: String { "\(cluster.folder)/marks/\(name)" }

    private var order: String {
        let wanted = "\(point.rawValue):1:\(effect.rawValue)"
        // Only a daemon that finds a submission under way has doubts about it.
        return point == .doubtRecorded ? "\(Failpoint.sendingRecorded.rawValue):1:kill,\(wanted)" : wanted
    }

    private var environment: [String: String] {
        cluster.environment.merging(["MOLT_FAIL": order, "MOLT_FAIL_ONCE": marks]) { $1 }
    }

    var hasFailed: Bool { access("\(marks)/\(point.rawValue)", F_OK) == 0 }

    /// - Returns: what is wrong afterwards, in words.
    func perform(_ way: Way) async throws -> [String] {
        try await prepare()
        let run: String?
        switch way {
        case .daemonStops:
            _ = await person("daemon", "start")
            _ = await person("daemon", "stop")
            run = nil
        default: run = try await submit(way)
        }
        var wrong: [String] = []
        if let run {
            try await act(way, on: run)
            let expected: RunState = way == .isCancelled ? .cancelled : .finished
            try await wait(for: run, toBe: expected)
            wrong += try check(run, way)
            if way == .isRemoved { try await remove(run) }
            if way == .isNotified { try await waitForNotice() }
        }
        try await Command.until("\(name): no job is left", within: 60, every: 0.5) {
            _ = await person("ls")
            let jobs = try await cluster.run(["squeue", "-h", "-a", "-t", "pending,running,completing", "-o", "%j"])
            return jobs.lines.isEmpty
        }
        if !hasFailed { wrong.append("nothing came by") }
        return wrong.map { "\(name): \($0)" }
    }

    // MARK: - Before

    private func prepare() async throws {
        try await stopDaemon()
        try await cluster.run(["mkdir", "-p", marks])
        let orders = environment.filter { Failpoints.variables.contains($0.key) }
        try await cluster.write(
            orders.map { "export \($0.key)='\($0.value)'\n" }.sorted().joined(), to: "fail.sh")
        _ = try await cluster.testbed("node-up", ["1"])
    }

    /// One that goes by the environment of this trial follows.
    private func stopDaemon() async throws {
        _ = try? await cluster.molt("daemon", "stop")
        if let file = try? JSONFile.read(DaemonFile.self, from: "\(cluster.folder)/home/.molt/daemon.json"),
            file.process.isAlive {
            kill(file.process.pid, SIGKILL)
        }
    }

    // MARK: - The person

    /// Runs a command, and again when it does not succeed, as a person does; nil when five tries were in vain.
    private func person(_ words: String...) async -> Output? {
        for _ in 0..<5 {
            guard let output = try? await Command.run(["\(cluster.prefix)/bin/molt"] + words, environment: environment)
            else { continue }
            if output.status == 0 { return output }
            try? await Task.sleep(for: .milliseconds(300))
        }
        return nil
    }

    private func submit(_ way: Way) async throws -> String {
        if way == .isHeld { try await cluster.run(["scontrol", "update", "partitionname=low", "state=down"]) }
        try await cluster.write(way == .trains ? trainingRecipe : recipe(way), to: "\(name).yaml")
        guard let output = await person("submit", "\(cluster.folder)/\(name).yaml", "--site", "bed") else {
            throw CommandFailed(description: "\(name): five submissions in vain")
        }
        return output.out.filter { !$0.isNewline }
    }

    private func recipe(_ way: Way) -> String {
        let steps = switch way {
        case .lasts: 60
        case .outlivesItsTime: 320
        case .isCancelled: 400
        case .isPutBack, .isStopped, .isCopied, .comesBack: 40
        default: 6
        }
        let short = way == .outlivesItsTime
        // Slurm tells the worker itself; one that is quick is gone before the job has anything to pass on.
        let saving = point == .stopPassedOn ? 4 : 0
        let notice = way == .isNotified
            ? "notify: {on: [finished], command: [/bin/sh, -c, 'echo >> \(marks)/notice']}" : ""
        return """
            name: trial
            task: command
            command: [/bin/sh, \(cluster.folder)/alone.sh, "\(steps)", "\(saving)"]
            resources: {nodes: 1, cpus_per_rank: 1, \(short ? "partition: short, time: 1m" : "time: 10m")}
            \(notice)
            """
    }

    /// Says so when it meets another of its run that lives, and counts.
    static let program = """
        exec 9>>"$MOLT_CHECKPOINT_DIR/alive"
        flock -n 9 || echo "$MOLT_EPOCH" >>"$MOLT_CHECKPOINT_DIR/twice"
        \(LiveCluster.counter)
        """

    private var trainingRecipe: String {
        """
        name: trial
        task: pretrain
        model: {pattern: "M-M-", hidden_size: 32, mamba_heads: 4, mamba_head_dim: 16, state_size: 16, chunk_size: 32, \
        ffn_size: 64}
        data: {train: [/usr/share/common-licenses/GPL-3], sequence_length: 64}
        train: {steps: \(point == .checkpointLoaded ? 4000 : 200), global_batch: 1, micro_batch: 1, seed: 7, threads: 1}
        checkpoint: {every_steps: 20, keep: 1}
        resources: {nodes: 1, ranks_per_node: 1, partition: low, time: 10m}
        """
    }

    private func act(_ way: Way, on run: String) async throws {
        switch way {
        case .isPutBack: try await putBack(run)
        case .trains where point == .checkpointLoaded: try await putBack(run)
        case .isStopped:
            try await wait(for: run, step: 2)
            _ = await person("stop", run)
            try await wait(for: run, toBe: .paused)
            _ = await person("resume", run)
        case .isCancelled:
            try await wait(for: run, step: 2)
            _ = await person("cancel", run)
        case .isHeld:
            try await wait(for: run, toBe: .pending)
            _ = await person("hold", run)
            try await wait(for: run, toBe: .held)
            _ = await person("release", run)
            try await cluster.run(["scontrol", "update", "partitionname=low", "state=up"])
        case .isCopied:
            try await wait(for: run, step: 2)
            let job = try await cluster.job(of: run)
            let comment = try await cluster.run(["squeue", "-h", "-j", "\(job)", "-o", "%k"]).out
            let script = "\(cluster.folder)/runs/\(run)/attempts/1/script.sbatch"
            let mark = comment.filter { !$0.isNewline }
            try await cluster.run(
                ["sbatch", "--comment=\(mark)", "--begin=now+40", "--output=/dev/null", script])
        case .comesBack:
            try await wait(for: run, toBe: .finished)
            let job = try await cluster.job(of: run)
            // Somebody's other run, for which the daemon goes on looking.
            let other = try await submit(.isPutBack)
            try await wait(for: other, step: 2)
            try await cluster.run(["scontrol", "requeue", "\(job)"])
            try await wait(for: other, toBe: .finished)
        case .outlivesItsTime:
            try await wait(for: run, step: 2)
            try await stopDaemon()
            try await Command.until("\(name): the first link is over", within: 120, every: 1) {
                (try? cluster.counted(in: "\(cluster.folder)/runs/\(run)")) ?? 0 > 100 && hasFailed
            }
        case .runs, .lasts, .isDoubted, .isRemoved, .isNotified, .daemonStops, .trains: break
        }
    }

    private func putBack(_ run: String) async throws {
        try await wait(for: run, step: point == .checkpointLoaded ? 40 : 2)
        let job = try await cluster.job(of: run)
        try await cluster.run(["scontrol", "requeue", "\(job)"])
    }

    // MARK: - Afterwards

    private func look(_ run: String) async -> RunSummary? {
        guard let output = await person("show", run, "--json") else { return nil }
        return try? JSONDecoder().decode(RunDetail.self, from: Data(output.out.utf8)).summary
    }

    private func wait(for run: String, toBe state: RunState) async throws {
        try await Command.until("\(name): run \(run) is \(state)", within: 240, every: 0.5) {
            guard let now = await look(run)?.state else { return false }
            if now != state, now.isFinal { throw CommandFailed(description: "\(name): run \(run) is \(now)") }
            return now == state
        }
    }

    private func wait(for run: String, step: Int) async throws {
        try await Command.until("\(name): run \(run) is at step \(step)", within: 120, every: 0.5) {
            (await look(run)?.step ?? 0) >= step
        }
    }

    private func check(_ run: String, _ way: Way) throws -> [String] {
        let folder = RunFolder(path: "\(cluster.folder)/runs/\(run)")
        var wrong: [String] = []
        if access("\(folder.checkpoints)/twice", F_OK) == 0 { wrong.append("two incarnations lived at once") }
        // Whatever happens to the daemon and its helper, the job goes on.
        if way == .runs || way == .lasts, !point.isInTheJob, access(folder.claim(epoch: 2), F_OK) == 0 {
            wrong.append("the run was started twice")
        }
        return wrong
    }

    private func remove(_ run: String) async throws {
        _ = await person("rm", run)
        try await Command.until("\(name): the run folder is gone", within: 30, every: 0.5) {
            access("\(cluster.folder)/runs/\(run)", F_OK) != 0
        }
    }

    private func waitForNotice() async throws {
        try await Command.until("\(name): the notice has arrived", within: 60, every: 0.5) {
            _ = await person("ls")
            return access("\(marks)/notice", F_OK) == 0 && hasFailed
        }
    }
}

extension Failpoint {
    /// True for those that a program in the job passes.
    var isInTheJob: Bool { ["job.", "save.", "train."].contains { rawValue.hasPrefix($0) } }

    /// How a real cluster brings a program to it; nil where it cannot.
    var way: FailpointTrial.Way? {
        switch self {
        case .turnBegan, .lookBegan, .lookAnswered, .evidenceRead, .lookRecorded, .planMade, .progressRead,
            .intentRecorded, .materialsMade, .folderMade, .scriptWritten, .filesWritten, .sendingRecorded,
            .submitAnswered, .outcomeRecorded, .leaseTaken, .socketPrepared, .storeOpened, .published, .storeBegins,
            .storeCommitted, .runFrozen, .runInserted, .planRead, .claimDecided, .claimWritten, .claimed, .foldersMade,
            .preflightDone, .workersStarted, .signGiven, .workersEnded, .receiptWritten, .callRead, .callCarriedOut,
            .callAnswered, .callSent, .answerRead, .storeMigrated:
            .runs
        case .leaseRenewed: .lasts
        case .leaseReleased: .daemonStops
        case .watchAnswered, .watchRecorded, .beginAnswered, .jobLooked: .isPutBack
        case .stopWritten, .stopAnswered, .wishRecorded, .stopPassedOn: .isStopped
        case .cancelAnswered: .isCancelled
        case .holdAnswered, .releaseAnswered: .isHeld
        case .doubtRecorded: .isDoubted
        case .duplicateEnded: .isCopied
        case .strayEnded: .comesBack
        case .folderRemoved: .isRemoved
        case .notified, .notificationRecorded: .isNotified
        case .requeueBegan, .requeued: .outlivesItsTime
        case .saveBegan, .shardWritten, .manifestWritten, .saveCommitted, .checkpointTrashed, .oldOnesPruned,
            .saveReported, .checkpointLoaded:
            .trains
        // Where the user of the tests is Slurm's own, nothing is refused; the simulation passes it.
        case .refusalTold: nil
        }
    }
}
