import ArgumentParser
import MoltAPI

struct DaemonStart: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Start the daemon if it does not run.",
        discussion: "Example:\n  molt daemon start")

    @OptionGroup var output: OutputOptions

    func run() async throws {
        let client = try await DaemonLink(settings: .fromEnvironment()).client()
        let status = try await client.daemonStatus()
        try Output.render(status, json: output.json) { _ in
            ["the daemon runs on \(status.host), pid \(status.pid)"]
        }
    }
}
