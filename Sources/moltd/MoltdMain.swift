import ArgumentParser
import FoundationEssentials
import Logging
import MoltCore
import MoltServer

#if canImport(Glibc)
import Glibc
#endif

/// The daemon: `molt` starts it when it is needed.
@main
struct Moltd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "moltd", abstract: "Keeps the user's runs alive; molt starts it by itself.",
        discussion: """
            Its files lie in $MOLT_HOME (default ~/.molt). It ends by itself after a while without active runs.
            MOLT_HOME_SHARED=1 says that other hosts reach them, where their file system does not show it.

            EXAMPLE
              moltd --idle-exit never
            """, version: MoltVersion.current)

    @Option(help: "End after this long without active runs and requests (like 30m), or never.")
    var idleExit: String?

    @Flag(help: "Run as root, which is refused otherwise.")
    var allowRoot = false

    @Flag(help: "Write down more.")
    var verbose = false

    @Flag(help: "Print the places where MOLT_FAIL can make a program of Molt's die, fail or wait, and end.")
    var listFailpoints = false

    func run() async throws {
        if listFailpoints {
            for point in Failpoint.allCases { print(point.rawValue) }
            return
        }
        let environment = ProcessInfo.processInfo.environment
        do {
            if let complaint = Failpoints.complaint { throw UserError(complaint) }
            let installation = try Installation.current()
            let configuration = try serverConfiguration(environment, installation)
            let isVerbose = verbose
            LoggingSystem.bootstrap { label in
                var handler = StreamLogHandler.standardError(label: label)
                handler.logLevel = isVerbose ? .debug : .info
                return handler
            }
            umask(0o077)
            let server = try buildServer(
                configuration, parts: .production(configuration, installation: installation),
                logger: Logger(label: "moltd"))
            try await server.run()
        } catch let error as UserError {
            throw Self.told(error, CommandExit.unavailable.rawValue)
        } catch let refusal as LeaseRefusal {
            let isTaken = if case .taken = refusal { true } else { false }
            throw Self.told(refusal.error, isTaken ? DaemonFile.exitBesideAnother : CommandExit.unavailable.rawValue)
        }
    }

    private static func told(_ error: UserError, _ status: Int32) -> ExitCode {
        let line = Array("moltd: \(error)\n".utf8)
        _ = write(STDERR_FILENO, line, line.count)
        return ExitCode(status)
    }

    private func serverConfiguration(
        _ environment: [String: String], _ installation: Installation
    ) throws(UserError) -> ServerConfiguration {
        let home = environment["MOLT_HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? "\(environment["HOME"] ?? "/")/.molt"
        let folder = FileManager.default.currentDirectoryPath
        let paths = DaemonPaths(
            home: home.hasPrefix("/") ? home : "\(folder)/\(home)", programs: "\(installation.prefix)/bin")
        var configuration = ServerConfiguration(
            paths: paths, host: ServerConfiguration.hostName(), userID: geteuid(), environment: environment,
            allowRoot: allowRoot || environment["MOLT_ALLOW_ROOT"] == "1")
        // Where the file system does not show it, and for tests.
        if environment["MOLT_HOME_SHARED"] == "1" { configuration.isHomeShared = true }
        if let text = idleExit ?? environment["MOLT_IDLE_EXIT"] {
            guard text == "never" || Durations.seconds(parsing: text) != nil else {
                throw UserError("'\(text)' is not a duration", at: "--idle-exit", fix: "like 30m, or never")
            }
            configuration.idleExit = Durations.seconds(parsing: text)
        }
        return configuration
    }
}
