import ArgumentParser
import MoltAPI
import MoltCore

struct DaemonRelay: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "relay", abstract: "Connect standard input and output to the daemon, for molt on another host.",
        discussion: "Example:\n  ssh login2 molt daemon relay", shouldDisplay: false)

    func run() async throws {
        let settings = Settings.fromEnvironment()
        let client = try await DaemonLink(settings: settings).client()
        if let host = client.remoteHost {
            throw CommandFailure.unavailable("the daemon is not on \(settings.host) but on \(host)")
        }
        guard SocketRelay.run(to: client.socket) else {
            throw CommandFailure.unavailable("the daemon's socket cannot be reached", at: client.socket)
        }
    }
}
