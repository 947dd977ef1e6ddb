import FoundationEssentials
package import MoltCore
package import MoltScheduler

#if canImport(Glibc)
import Glibc
#endif

/// A Slurm cluster, spoken to through Slurm's own commands: for sites where no libslurm can be built against.
///
/// Each call is one or two short-lived children, one at a time, killed at a deadline. A new process looks at a job
/// before it is touched, as everywhere: a number alone proves nothing.
package actor CommandScheduler: Scheduler {
    private let executor = BlockingExecutor("molt.commands")
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let prefix: [String]
    private let folder: String?
    private let environment: [String: String]
    private let runner = CommandRunner()
    private var deadline = Limits.callDeadline
    private var clock = ControllerClock()
    private var cancelled = OwnCancels()
    /// Until when calls are refused, on the clock that nobody sets: an outage that was made on purpose.
    var outage = -Double.infinity

    /// - Parameters:
    ///   - prefix: goes before every command, as in `setpriv …`; none in production.
    ///   - folder: where sbatch and the others lie; nil looks through the environment's PATH.
    ///   - environment: the commands' whole environment; `SLURM_CONF` in it decides the cluster.
    package init(prefix: [String] = [], folder: String? = nil, environment: [String: String]) {
        self.prefix = prefix
        self.folder = folder
        // Numbers and sentences as this file expects them, whatever the user's own settings.
        let own = ["LC_ALL": "C", "TZ": "UTC", "SLURM_TIME_FORMAT": "%s"]
        self.environment = environment.filter { !$0.key.hasPrefix("SQUEUE_") && !$0.key.hasPrefix("SCANCEL_") }
            .merging(own) { $1 }
    }

    /// True when all four commands are there.
    package nonisolated var isInstalled: Bool {
        ["sbatch", "squeue", "scontrol", "scancel"].allSatisfy { (try? program($0)) != nil }
    }

    package func submit(_ request: JobRequest) throws(SchedulerError) -> SubmitReply {
        try refuseInOutage()
        try request.check()
        for name in request.environment.keys where Self.steersCommands(name) {
            throw .rejected(code: 22, message: "the variable \(name) would change what sbatch does")
        }
        let operation = SlurmOperation.submit(request)
        var variables = SubmissionEnvironment.variables(of: request)
        for name in ["SLURM_CONF", "LD_LIBRARY_PATH"] { variables[name] = environment[name] ?? variables[name] }
        var command = CommandRunner.Command(
            arguments: try program("sbatch") + ["--parsable", "--export=ALL", "--propagate=NONE", "--ignore-pbs"],
            environment: variables)
        command.input = try SubmissionScript.text(request)
        command.givesUpAt = "sleeping and retrying"
        // sbatch tells the job where it was started.
        if access(request.workingDirectory, X_OK) == 0 { command.folder = request.workingDirectory }
        let outcome = runner.run(command, within: deadline)
        guard outcome.ending == .exited(0) else { throw CommandErrors.classify(operation, outcome) }
        let text = String(decoding: outcome.output, as: UTF8.self)
        guard let job = Self.jobNumber(text) else {
            throw .ambiguous(message: "sbatch printed no number: " + DisplayText.escaped(text, limit: 200))
        }
        let said = outcome.errors.split(separator: "\n").joined(separator: "; ")
        return SubmitReply(job: job, warning: said.isEmpty ? nil : DisplayText.escaped(said, limit: 1000))
    }

    package func loadJobs() throws(SchedulerError) -> JobTable {
        let (jobs, asOf) = try look(["--me"], .loadJobs)
        return JobTable(jobs: jobs.filter(\.isOurs), asOf: asOf)
    }

    package func load(_ job: UInt32) throws(SchedulerError) -> JobStatus? {
        do throws(SchedulerError) {
            return try look(["--jobs=\(job)"], .load(job)).jobs.first { $0.job == job }
        } catch .notFound {
            return nil
        }
    }

    package func cancel(_ job: UInt32, key: AttemptKey) throws(SchedulerError) {
        let status = try own(job, key)
        try refuse(status.state.isTerminal, job, "it has ended")
        try act(.cancel(job, key: key), ["scancel", "-v", "\(job)"])
        cancelled.add(job)
    }

    package func signal(
        _ job: UInt32, key: AttemptKey, signal: Int32, to target: SignalTarget
    ) throws(SchedulerError) {
        let status = try own(job, key)
        try refuse(status.state != .running && status.state != .suspended, job, "it does not run")
        let whom: [String]
        switch target {
        case .workers: whom = []
        case .batch: whom = ["--batch"]
        case .all: whom = ["--full"]
        }
        let operation = SlurmOperation.signal(job, key: key, signal: signal, target: target)
        try act(operation, ["scancel", "-v", "--signal=\(signal)"] + whom + ["\(job)"])
    }

    package func requeue(_ job: UInt32, key: AttemptKey) throws(SchedulerError) {
        let status = try own(job, key)
        try refuse(status.state != .running && status.state != .suspended, job, "it does not run")
        // Without `Incomplete` a job that ends in this moment would rise again.
        try act(.requeue(job, key: key), ["scontrol", "requeue", "Incomplete", "\(job)"])
    }

    package func update(_ job: UInt32, key: AttemptKey, change: JobChange) throws(SchedulerError) {
        _ = try own(job, key)
        let operation = SlurmOperation.update(job, key: key, change: change)
        switch change {
        case .beginNow: try act(operation, ["scontrol", "update", "JobId=\(job)", "StartTime=now"])
        // A hold of the user's own, which the user may take back, even where the user is an operator.
        case .hold: try act(operation, ["scontrol", "uhold", "\(job)"])
        case .release: try act(operation, ["scontrol", "release", "\(job)"])
        }
    }

    package func adopt(_ adoption: JobAdoption) async throws(SchedulerError) {
        let job = adoption.job, operation = SlurmOperation.adopt(adoption)
        let mine = try look(["--me", "--jobs=\(job)"], .load(job)).jobs.first { $0.job == job }
        guard let mine, mine.name == adoption.name else { throw .keyMismatch(job: job) }
        if mine.key == adoption.to { return }
        guard mine.key == adoption.from else { throw .keyMismatch(job: job) }
        if mine.state.isTerminal {
            try refuse(adoption.from == nil, job, "it has ended")
            try act(operation, ["scontrol", "requeue", "\(job)"])
        }
        let nodes = adoption.excludedNodes.joined(separator: ",")
        let excluded = nodes.isEmpty ? [] : ["ExcNodeList=\(nodes)"]
        try act(operation, ["scontrol", "update", "JobId=\(job)", "Comment=\(adoption.to.comment)"] + excluded)
    }

    package func configuration() throws(SchedulerError) -> SchedulerConfiguration {
        let settings = try loadSettings()
        let show = ["show", "--all", "--oneliner"]
        let partitions = try text(.configuration, "scontrol", show + ["partition"])
        let nodes = try text(.configuration, "scontrol", show + ["node"])
        do throws(ScontrolText.Unreadable) {
            let found = try ScontrolText.configuration(settings: settings, partitions: partitions, nodes: nodes)
            deadline = max(Limits.callDeadline, found.messageTimeout + Limits.callMargin)
            return found
        } catch {
            throw .unavailable(message: error.reason)
        }
    }

    package func ping() throws(SchedulerError) {
        let answer = try text(.ping, "scontrol", ["ping"])
        guard answer.split(separator: "\n").contains(where: { $0.hasSuffix(" is UP") }) else {
            throw .unavailable(message: "scontrol says: " + DisplayText.escaped(answer, limit: 400))
        }
    }

    /// A token for slurmrestd, from `scontrol token`.
    func token(life seconds: Int) throws(SchedulerError) -> String {
        let answer = try text(.ping, "scontrol", ["token", "lifespan=\(seconds)"])
        do throws(RestToken.Unusable) {
            return try RestToken.parse(answer)
        } catch {
            throw .unavailable(message: error.reason)
        }
    }

    // MARK: Looking

    func look(
        _ which: [String], _ operation: SlurmOperation
    ) throws(SchedulerError) -> (jobs: [JobStatus], asOf: Double) {
        if clock.needsMeasuring(now: now()) { _ = try loadSettings() }
        let asOf = clock.asOf(askedAt: now())
        let table = SqueueTable()
        let outcome = try run("squeue", Self.everything + which + ["--Format=\(table.format)"])
        guard outcome.ending == .exited(0) else { throw CommandErrors.classify(operation, outcome) }
        var (jobs, cut) = try readable { () throws(SqueueTable.Unreadable) in
            try table.read(outcome.output, asOf: asOf, wasCancelled: cancelled.contains)
        }
        for job in jobs { cancelled.seen(job) }
        // Beyond that many the lists are worth less than the time.
        guard cut.count <= Limits.refetched else { return (jobs, asOf) }
        for index in jobs.indices where cut.contains(jobs[index].job) && jobs[index].isOurs {
            jobs[index].nodes = try nodes(of: jobs[index].job)
        }
        return (jobs, asOf)
    }

    private static let everything = ["--noheader", "--all", "--local", "--states=all"]

    /// None for a job that Slurm has forgotten since the look.
    private func nodes(of job: UInt32) throws(SchedulerError) -> [String] {
        let table = SqueueTable()
        let outcome = try run("squeue", Self.everything + ["--jobs=\(job)", "--Format=\(table.nodesFormat)"])
        guard outcome.ending == .exited(0) else {
            let error = CommandErrors.classify(.load(job), outcome)
            if case .notFound = error { return [] }
            throw error
        }
        return try readable { () throws(SqueueTable.Unreadable) in try table.readNodes(outcome.output) }
    }

    /// An answer to a question that cannot be read is none.
    private func readable<Value>(
        _ body: () throws(SqueueTable.Unreadable) -> Value
    ) throws(SchedulerError) -> Value {
        do throws(SqueueTable.Unreadable) {
            return try body()
        } catch {
            throw .unavailable(message: error.reason)
        }
    }

    /// The job, when it is this user's and carries the key.
    func own(_ job: UInt32, _ key: AttemptKey) throws(SchedulerError) -> JobStatus {
        let mine = try look(["--me", "--jobs=\(job)"], .load(job)).jobs.first { $0.job == job }
        if let mine, mine.carries(key) { return mine }
        if mine == nil, try load(job) == nil { throw .notFound(job: job) }
        throw .keyMismatch(job: job)
    }

    func refuse(_ isWrong: Bool, _ job: UInt32, _ message: String) throws(SchedulerError) {
        if isWrong { throw .wrongState(job: job, message: message) }
    }

    func loadSettings() throws(SchedulerError) -> [String: String] {
        let answer = try text(.configuration, "scontrol", ["show", "config"])
        let answeredAt = now()
        do throws(ScontrolText.Unreadable) {
            let (asOf, settings) = try ScontrolText.settings(answer)
            clock.measured(controller: asOf, answeredAt: answeredAt)
            return settings
        } catch {
            throw .unavailable(message: error.reason)
        }
    }

    // MARK: Running

    /// scancel ends with 0 whatever happened; what it says decides.
    func act(_ operation: SlurmOperation, _ words: [String]) throws(SchedulerError) {
        let outcome = try run(words[0], Array(words.dropFirst()))
        guard outcome.ending == .exited(0), !outcome.errors.contains("error:") else {
            throw CommandErrors.classify(operation, outcome)
        }
    }

    func text(
        _ operation: SlurmOperation, _ name: String, _ arguments: [String]
    ) throws(SchedulerError) -> String {
        let outcome = try run(name, arguments)
        guard outcome.ending == .exited(0) else { throw CommandErrors.classify(operation, outcome) }
        return String(decoding: outcome.output, as: UTF8.self)
    }

    private func run(_ name: String, _ arguments: [String]) throws(SchedulerError) -> CommandRunner.Outcome {
        try refuseInOutage()
        return runner.run(.init(arguments: try program(name) + arguments, environment: environment), within: deadline)
    }

    private nonisolated func program(_ name: String) throws(SchedulerError) -> [String] {
        let path = environment["PATH"] ?? "/usr/bin:/bin"
        let folders = folder.map { [$0] } ?? path.split(separator: ":").map(String.init)
        for folder in folders where folder.hasPrefix("/") && access("\(folder)/\(name)", X_OK) == 0 {
            return prefix + ["\(folder)/\(name)"]
        }
        throw .unavailable(message: "there is no \(name) in \(folders.joined(separator: ":"))")
    }

    /// Variables by which sbatch takes options.
    private static func steersCommands(_ name: String) -> Bool {
        ["SBATCH_", "SLURM_", "SPANK_", "_SLURM_", "LD_"].contains { name.hasPrefix($0) }
    }

    /// `12345` or `12345;cluster`, and a line end.
    private static func jobNumber(_ text: String) -> UInt32? {
        guard text.last == "\n" else { return nil }
        let parts = text.dropLast().split(separator: ";", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), parts[0].allSatisfy({ ("0"..."9").contains($0) }),
            let job = UInt32(parts[0]), job > 0
        else { return nil }
        return job
    }

    func now() -> Double { Date().timeIntervalSince1970 }
}
