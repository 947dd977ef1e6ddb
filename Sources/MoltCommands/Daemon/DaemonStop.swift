import ArgumentParser
import FoundationEssentials
import MoltAPI
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

struct DaemonStop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Stop the daemon; jobs go on without it.",
        discussion: "Example:\n  molt daemon stop")

    func run() async throws {
        switch try await Self.stop(.fromEnvironment()) {
        case .nowhere: Console.out("no daemon runs")
        case .elsewhere(let file): Console.out("asked the daemon on \(DisplayText.escaped(file.host)) to stop")
        case .here: Console.out("stopped; jobs that run go on, and molt starts the daemon again when it needs it")
        }
    }

    /// Where it was; one that was here has ended.
    static func stop(_ settings: Settings) async throws -> DaemonLink.Whereabouts {
        let link = DaemonLink(settings: settings), place = link.locate(), file: DaemonFile
        switch place {
        case .here(let found): file = found
        case .nowhere:
            try link.checkReadable()
            return place
        case .elsewhere:
            if let client = try link.runningClient() { try await client.stopDaemon() }
            return place
        }
        do throws(ClientError) {
            try await MoltClient(socket: file.socket, timeout: 5).stopDaemon()
        } catch {
            // One that does not answer is asked by signal; its work is all in files and the store.
            kill(file.process.pid, SIGTERM)
        }
        let end = settings.now() + 15
        while file.process.isAlive {
            guard settings.now() < end else {
                throw CommandFailure.unavailable(
                    "the daemon (pid \(file.process.pid)) does not stop",
                    fix: "kill -9 \(file.process.pid) loses nothing")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        return place
    }
}
