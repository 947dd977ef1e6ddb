import ArgumentParser
import MoltAPI
import MoltCore

struct RunDrill: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drill", abstract: "Make a fault happen to a run, and grade how it comes through.",
        discussion: """
            preempt puts its job back into the queue; kill sends SIGKILL to every worker; walltime lowers the limit of \
            its job to the next two minutes; node-fail declares its first node down until the job has left it, which \
            needs an operator's rights, and is refused while other jobs run there; ctld-outage keeps this daemon (and \
            nobody else) from reaching the scheduler. To stop a controller, use Scripts/testbed on a Slurm of your own.

            Example:
              molt drill preempt 7k2m
              molt drill kill 7k2m --within 20m
              molt drill ctld-outage 7k2m --for 2m
            """)

    @Argument(help: "preempt, kill, walltime, node-fail or ctld-outage.")
    var fault: DrillFault

    @Argument(help: "An id, a unique prefix of one, or a name; it must be running.")
    var run: String

    @Option(name: .long, help: "How long to wait for a step of the next incarnation.")
    var within = "10m"

    @Option(name: .customLong("for"), help: "How long an outage lasts.")
    var length = "30s"

    @OptionGroup var output: OutputOptions

    func run() async throws {
        guard let patience = Durations.seconds(parsing: within) else {
            throw UserError("'\(DisplayText.escaped(within))' is no duration", at: "--within", fix: "like 10m")
        }
        guard let seconds = Durations.seconds(parsing: length) else {
            throw UserError("'\(DisplayText.escaped(length))' is no duration", at: "--for", fix: "like 30s")
        }
        let settings = Settings.fromEnvironment()
        let link = DaemonLink(settings: settings)
        let start = try await link.client().drill(run, DrillRequest(fault: fault, seconds: seconds))
        var daemon = try await LiveDaemon(link: link)
        let deadline = settings.now() + patience
        while true {
            let detail = try await daemon.ask { client async throws(ClientError) in try await client.run(start.id) }
            if let grade = DrillGrade(start, fault, now: detail) { return try tell(grade) }
            guard settings.now() < deadline else {
                throw UserError(
                    "no step was taken within \(within); the run is \(detail.summary.state.rawValue)", at: start.id,
                    fix: "molt events \(start.id) tells what happened; it is still looked after")
            }
            try await Task.sleep(for: .seconds(Limits.followInterval))
        }
    }

    private func tell(_ grade: DrillGrade) throws {
        try Output.render(grade, json: output.json) { terminal in
            let word = terminal.coloured(grade.passed ? "passed" : "FAILED", grade.passed ? .green : .red)
            return ["\(grade.id)  \(DisplayText.escaped(grade.name))  \(word)  \(DisplayText.escaped(grade.verdict))"]
        }
        if !grade.passed { throw ExitCode(CommandExit.negative.rawValue) }
    }
}

extension DrillFault: ExpressibleByArgument {}
