import ArgumentParser
import MoltAPI
import MoltCore

struct RunRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Remove runs that are over, with their folders and checkpoints.",
        discussion: "Example:\n  molt rm 7k2m")

    @Argument(help: "Ids, unique prefixes of ids, or names.")
    var runs: [String]

    func run() async throws {
        let client = try await DaemonLink(settings: .fromEnvironment()).client()
        var worst = CommandExit.success
        for run in runs {
            do throws(ClientError) {
                try await client.remove(run)
            } catch {
                let failure = error.failure
                if let message = failure.message { Console.error("molt: \(message)") }
                if failure.exit.rawValue > worst.rawValue { worst = failure.exit }
            }
        }
        if worst != .success { throw ExitCode(worst.rawValue) }
    }
}
