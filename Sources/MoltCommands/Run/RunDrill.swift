import ArgumentParser
import MoltAPI
import MoltCore

struct RunDrill: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drill", abstract: "Make a fault happen to a run, and grade how it comes through.",
        discussion: """
            preempt puts its job back into the queue, kill sends SIGKILL to every worker. Lost nodes and controllers \
            need an administrator; Scripts/testbed makes those on a Slurm of your own.

            Example:
              molt drill preempt 7k2m
              molt drill kill 7k2m --within 20m
            """)

    @Argument(help: "preempt or kill.")
    var fault: DrillFault

    @Argument(help: "An id, a unique prefix of one, or a name; it must be running.")
    var run: String

    @Option(name: .long, help: "How long to wait for a step of the next incarnation.")
    var within = "10m"

    @OptionGroup var output: OutputOptions

    func run() async throws {
        guard let patience = Durations.seconds(parsing: within) else {
            throw UserError("'\(DisplayText.escaped(within))' is no duration", at: "--within", fix: "like 10m")
        }
        let settings = Settings.fromEnvironment()
        let link = DaemonLink(settings: settings)
        let start = try await link.client().drill(run, DrillRequest(fault: fault))
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
