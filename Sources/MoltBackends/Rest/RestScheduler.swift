import FoundationEssentials
package import MoltCore
import MoltHTTP
package import MoltScheduler

/// A Slurm cluster, spoken to through slurmrestd.
///
/// The interface has no call to requeue a job, none to signal only its workers or only its batch shell, none that holds
/// a job in its user's own name, and none for most settings. Where Slurm's commands are there, they do that part; where
/// they are not, these calls are refused and the settings are Slurm's defaults.
package actor RestScheduler: Scheduler {
    private let connection: RestConnection
    private let commands: CommandScheduler?
    private let user: String
    private let variables: @Sendable (JobRequest) -> [String: String]
    private var server: Server?
    private var deadline = Limits.callDeadline
    private var clock = ControllerClock()
    private var cancelled = OwnCancels()
    /// Until when calls are refused, on the clock that nobody sets: an outage that was made on purpose.
    private var outage = -Double.infinity

    private struct Server {
        var version: RestVersion
        var release: String
    }

    /// - Parameters:
    ///   - commands: does what the interface cannot; nil where there are none.
    ///   - variables: a job's environment.
    package init(
        access: RestAccess, commands: CommandScheduler?,
        variables: @escaping @Sendable (JobRequest) -> [String: String] = { SubmissionEnvironment.variables(of: $0) }
    ) {
        connection = RestConnection(access: access, commands: commands)
        self.commands = commands
        self.variables = variables
        user = access.user
    }

    package func submit(_ request: JobRequest) async throws(SchedulerError) -> SubmitReply {
        try request.check()
        let server = try await serverOrAsk(), operation = SlurmOperation.submit(request)
        let body = try RestSubmission.body(
            request, variables: variables(request), version: server.version, release: server.release)
        let (reply, status) = try await exchange(.post, "job/submit", body: body, operation)
        guard let job = (reply.jobID ?? reply.result?.jobID)?.count, job > 0 else {
            let problems = reply.errors ?? []
            guard !problems.isEmpty else { throw .ambiguous(message: "slurmrestd answered \(status) without a job") }
            throw RestErrors.classify(operation, status: status, problems: problems)
        }
        let said = ((reply.errors ?? []) + (reply.warnings ?? [])).compactMap { ($0.error ?? $0.description)?.text }
        let texts = ([reply.message?.text ?? ""] + said).filter { !$0.isEmpty }
        return SubmitReply(
            job: job, warning: texts.isEmpty ? nil : DisplayText.escaped(texts.joined(separator: "; "), limit: 1000))
    }

    package func loadJobs() async throws(SchedulerError) -> JobTable {
        let (jobs, asOf) = try await look("jobs", .loadJobs)
        return JobTable(jobs: jobs.filter { $0.isMine && $0.status.isOurs }.map(\.status), asOf: asOf)
    }

    package func load(_ job: UInt32) async throws(SchedulerError) -> JobStatus? {
        do throws(SchedulerError) {
            return try await look("job/\(job)", .load(job)).jobs.first { $0.status.job == job }?.status
        } catch .notFound {
            return nil
        }
    }

    package func cancel(_ job: UInt32, key: AttemptKey) async throws(SchedulerError) {
        let status = try await own(job, key)
        guard !status.state.isTerminal else { throw .wrongState(job: job, message: "it has ended") }
        try await act(.delete, "job/\(job)", .cancel(job, key: key))
        cancelled.add(job)
    }

    package func signal(
        _ job: UInt32, key: AttemptKey, signal: Int32, to target: SignalTarget
    ) async throws(SchedulerError) {
        let status = try await own(job, key)
        guard status.state == .running || status.state == .suspended else {
            throw .wrongState(job: job, message: "it does not run")
        }
        let operation = SlurmOperation.signal(job, key: key, signal: signal, target: target)
        if target == .all {
            try await act(.delete, "job/\(job)", query: "signal=\(signal)", operation)
        } else {
            try await other("signal only a part of a job").signal(job, key: key, signal: signal, to: target)
        }
    }

    package func requeue(_ job: UInt32, key: AttemptKey) async throws(SchedulerError) {
        try await other("requeue a job").requeue(job, key: key)
    }

    package func update(_ job: UInt32, key: AttemptKey, change: JobChange) async throws(SchedulerError) {
        // slurmrestd's hold is the admin's where the user is an operator, and then only an operator may end it.
        if change == .hold, let commands { return try await commands.update(job, key: key, change: change) }
        let status = try await own(job, key), version = try await serverOrAsk().version
        guard status.state == .pending else { throw .wrongState(job: job, message: "it does not wait") }
        var fields = RestFields(version: version)
        switch change {
        // The controller raises a moment that is past to its own now.
        case .beginNow: fields["begin_time"] = version.isPlain ? .text("now") : fields.moment(1)
        case .hold: fields["hold"] = .flag(true)
        case .release: fields["hold"] = .flag(false)
        }
        let body: Data
        do {
            body = try JSONEncoder().encode(RestField.object(fields.fields))
        } catch {
            throw .unavailable(message: "the change cannot be written: \(error)")
        }
        try await act(.post, "job/\(job)", body: body, .update(job, key: key, change: change))
    }

    package func adopt(_ adoption: JobAdoption) async throws(SchedulerError) {
        try await other("adopt a job").adopt(adoption)
    }

    package func ranking(_ job: UInt32) async throws(SchedulerError) -> JobRanking? {
        try await commands?.ranking(job)
    }

    package func inject(_ fault: JobFault, into job: UInt32, key: AttemptKey) async throws(SchedulerError) {
        if case .outage(let seconds) = fault {
            outage = MonotonicTime.now() + seconds
            try await commands?.inject(fault, into: job, key: key)
        } else {
            try await other("make this fault").inject(fault, into: job, key: key)
        }
    }

    package func configuration() async throws(SchedulerError) -> SchedulerConfiguration {
        let server = try await serverOrAsk()
        let partitions = try await read("partitions", .configuration).partitions ?? []
        let nodes = try await read("nodes", .configuration).nodes ?? []
        try await measureClock()
        let known = try? await commands?.configuration()
        // Without the commands: Slurm's own defaults, the interface says nothing about them.
        var found = known ?? SchedulerConfiguration(
            version: "", controllerStartedAt: nil, killWait: 30, minimumJobAge: 300, messageTimeout: 10,
            requeueDelay: 121, jobsRequeue: true, requeueExit: [], requeueExitHold: [], preemptMode: "", partitions: [],
            nodes: [])
        found.isAssumed = known == nil ? true : nil
        found.version = "slurm \(server.release)"
        found.partitions = partitions.map { from in
            from.partition(known?.partitions.first { $0.name == from.name?.text })
        }
        found.nodes = nodes.map(\.node)
        deadline = max(Limits.callDeadline, found.messageTimeout + Limits.callMargin)
        return found
    }

    package func ping() async throws(SchedulerError) {
        let reply = try await read("ping", .ping)
        guard (reply.pings ?? []).contains(where: \.isUp) else {
            throw .unavailable(message: "slurmrestd runs, and no controller answers it")
        }
    }

    package func proofLife() async -> Double? { await connection.tokenLife() }

    /// What the server offers, and what it is: `v0.0.38 of slurm 22.05.8`.
    package func describe() async throws(SchedulerError) -> String {
        let server = try await serverOrAsk()
        return "\(server.version) of slurm \(server.release)"
    }

    // MARK: Looking

    private struct Seen {
        var status: JobStatus
        var isMine: Bool
    }

    private func look(
        _ path: String, _ operation: SlurmOperation
    ) async throws(SchedulerError) -> (jobs: [Seen], asOf: Double) {
        if clock.needsMeasuring(now: now()) { try await measureClock() }
        let asOf = clock.asOf(askedAt: now())
        let reply = try await read(path, operation)
        guard let jobs = reply.jobs else { throw .unavailable(message: "slurmrestd's answer has no list of jobs") }
        let seen = jobs.compactMap { job in
            job.status(asOf: asOf, wasCancelled: cancelled.contains).map {
                Seen(status: $0, isMine: job.userName?.text == user)
            }
        }
        for job in seen { cancelled.seen(job.status) }
        return (seen, asOf)
    }

    /// The job, when it is this user's and carries the key.
    private func own(_ job: UInt32, _ key: AttemptKey) async throws(SchedulerError) -> JobStatus {
        guard let found = try await look("job/\(job)", .load(job)).jobs.first(where: { $0.status.job == job }) else {
            throw .notFound(job: job)
        }
        guard found.isMine, found.status.carries(key) else { throw .keyMismatch(job: job) }
        return found.status
    }

    private func measureClock() async throws(SchedulerError) {
        let reply = try await read("diag", .configuration)
        guard let time = reply.statistics?.requestTime?.moment else {
            throw .unavailable(message: "slurmrestd does not tell the controller's time")
        }
        clock.measured(controller: time, answeredAt: now())
    }

    // MARK: Calling

    private func serverOrAsk() async throws(SchedulerError) -> Server {
        if let server { return server }
        var description: Description?, status = 0
        // Newer servers have it under the second name.
        for path in ["/openapi", "/openapi/v3"] where description == nil {
            let answer = try await connection.send(.get, path, for: .ping, within: deadline)
            status = answer.status
            description = status == 200 ? try? BoundedJSON().decode(Description.self, from: answer.body) : nil
        }
        guard let description else {
            throw .unavailable(message: "slurmrestd does not describe itself (\(status))")
        }
        guard let version = RestVersion.choose(paths: description.names) else {
            let range = "\(RestVersion.known[0]) to \(RestVersion.known[RestVersion.known.count - 1])"
            throw .unavailable(message: "slurmrestd speaks none of \(range); does it run with -s?")
        }
        let (pingStatus, answer) = try await connection.send(
            .get, "/slurm/\(version)/ping", for: .ping, within: deadline)
        let reply = try parse(answer, pingStatus, .ping)
        let found = Server(version: version, release: reply.meta?.release ?? "")
        server = found
        return found
    }

    private struct Description: Decodable {
        var paths: [String: Path]

        struct Path: Decodable {
            init(from decoder: any Decoder) throws {}
        }

        var names: [String] { Array(paths.keys) }
    }

    private func read(_ path: String, _ operation: SlurmOperation) async throws(SchedulerError) -> RestReply {
        let (reply, status) = try await exchange(.get, path, operation)
        try check(reply, status, operation)
        return reply
    }

    private func act(
        _ method: HTTPMethod, _ path: String, query: String? = nil, body: Data? = nil, _ operation: SlurmOperation
    ) async throws(SchedulerError) {
        let (reply, status) = try await exchange(method, path, query: query, body: body, operation)
        try check(reply, status, operation)
    }

    private func check(_ reply: RestReply, _ status: Int, _ operation: SlurmOperation) throws(SchedulerError) {
        let problems = reply.errors ?? []
        guard (200..<300).contains(status), problems.isEmpty else {
            throw RestErrors.classify(operation, status: status, problems: problems)
        }
    }

    private func exchange(
        _ method: HTTPMethod, _ path: String, query: String? = nil, body: Data? = nil, _ operation: SlurmOperation
    ) async throws(SchedulerError) -> (RestReply, Int) {
        guard MonotonicTime.now() >= outage else {
            throw .unavailable(message: "an outage on purpose (molt drill)")
        }
        let version = try await serverOrAsk().version
        let whole = "/slurm/\(version)/\(path)" + (query.map { "?\($0)" } ?? "")
        let (status, answer) = try await connection.send(method, whole, body: body, for: operation, within: deadline)
        // Another server may sit behind the address by now.
        if status == 404 { server = nil }
        return (try parse(answer, status, operation), status)
    }

    private func parse(_ body: Data, _ status: Int, _ operation: SlurmOperation) throws(SchedulerError) -> RestReply {
        do {
            return try RestReply.read(body)
        } catch {
            guard (200..<300).contains(status) else {
                throw RestErrors.classify(operation, status: status, problems: [])
            }
            throw RestErrors.doubt(operation, "slurmrestd's answer cannot be read")
        }
    }

    private func other(_ what: String) throws(SchedulerError) -> CommandScheduler {
        guard let commands else {
            throw .rejected(code: 95, message: "slurmrestd cannot \(what), and Slurm's commands are not there")
        }
        return commands
    }

    private func now() -> Double { Date().timeIntervalSince1970 }
}
