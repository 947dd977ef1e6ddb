import ArgumentParser
import FoundationEssentials
import MoltAPI
import MoltCore

struct DaemonRebuild: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild", abstract: "Make the daemon's database anew from the run folders.",
        discussion: """
            Stops the daemon, sets the database and its copies aside (nothing is deleted), and starts the daemon again,
            which looks through the run folders of all sites. Jobs go on meanwhile, and none is sent twice. What the
            folders tell (starts, steps, losses, checkpoints, costs) comes back within a while. What only the database
            knew does not: holds, exclusions of nodes, why the scheduler ended a start that left no word.

            A damaged database restores itself from its newest copy: this is for when there is none, or it is wrong.

            Example:
              molt daemon rebuild
              molt daemon rebuild --yes
            """)

    @Flag(name: .long, help: "Do it although the database can be read.")
    var yes = false

    @OptionGroup var output: OutputOptions

    private struct Rebuilt: Encodable {
        var runs: Int
        var activeRuns: Int
        /// Where the old database lies; absent when there was none.
        var aside: String?
    }

    func run() async throws {
        let settings = Settings.fromEnvironment(), link = DaemonLink(settings: settings)
        if case .elsewhere(let file) = link.locate() {
            throw CommandFailure.unavailable(
                "the daemon runs on \(DisplayText.escaped(file.host))", at: settings.daemonFile,
                fix: "run molt daemon rebuild there")
        }
        guard FileManager.default.fileExists(atPath: "\(settings.home)/daemon.lock") else {
            throw CommandFailure.unavailable(
                "no daemon has ever been here", at: settings.home, fix: "is MOLT_HOME right?")
        }
        if !yes, let status = await Self.status(link) {
            throw CommandFailure(
                UserError(
                    "the database can be read: it has \(status.runs) runs, \(status.activeRuns) of them active",
                    at: settings.home, fix: "molt daemon rebuild --yes makes it anew nevertheless"),
                exit: .negative)
        }
        _ = try await DaemonStop.stop(settings)
        let aside = try DatabaseAside.move(home: settings.home, at: settings.now())
        let status: DaemonStatus
        do {
            status = try await link.client().daemonStatus()
        } catch {
            let place = aside.map { "; the old database lies in \($0)" } ?? ""
            let told = (error as? ClientError)?.failure.message?.what ?? (error as? CommandFailure)?.message?.what
            throw CommandFailure.unavailable(
                "the daemon does not come up: \(told ?? "\(error)")\(place)", fix: "look at \(settings.daemonLog)")
        }
        let result = Rebuilt(runs: status.runs, activeRuns: status.activeRuns, aside: aside)
        try Output.render(result, json: output.json) { _ in
            ["\(result.runs) runs found, \(result.activeRuns) of them active"]
                + (aside.map { ["the old database lies in \($0)"] } ?? ["there was no database"])
        }
    }

    /// Nil when the daemon cannot be started or cannot read its database.
    private static func status(_ link: DaemonLink) async -> DaemonStatus? {
        guard let client = try? await link.client() else { return nil }
        return try? await client.daemonStatus()
    }
}
