import FoundationEssentials
import MoltCore
import MoltTesting

#if canImport(Glibc)
import Glibc
#endif

/// The built programs, each use with a home of its own; its daemon ends with it.
final class Molt: Sendable {
    let folder = TemporaryFolder("cli")
    let programs: String

    struct Answer: Sendable {
        var status: Int32
        var out: String
        var error: String
    }

    init() throws {
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        programs = String(own[..<(own.lastIndex(of: "/") ?? own.startIndex)])
    }

    deinit {
        stopDaemon()
    }

    var home: String { folder("home") }
    var daemonFile: DaemonFile? { try? JSONFile.read(DaemonFile.self, from: "\(home)/daemon.json") }

    /// Kills the daemon of this home, by the pid that it recorded.
    func stopDaemon(signal: Int32 = SIGKILL) {
        guard let file = daemonFile, file.process.isAlive else { return }
        // Some tests write another process into that file; only a daemon of ours is ended.
        let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(file.process.pid)/exe")
        if program == "\(programs)/moltd" { kill(file.process.pid, signal) }
    }

    /// Runs `molt` in the temporary folder and waits for its end.
    func callAsFunction(_ arguments: String..., environment: [String: String] = [:]) throws -> Answer {
        try run("\(programs)/molt", arguments, environment: environment)
    }

    func run(_ program: String, _ arguments: [String], environment: [String: String] = [:]) throws -> Answer {
        try begin(program, arguments, environment: environment).answer()
    }

    /// A program that has been started, which takes no thread while it runs.
    struct Running {
        fileprivate let child: pid_t
        fileprivate let out: String
        fileprivate let error: String

        /// Waits for its end; once.
        func answer() throws -> Answer {
            var status: Int32 = 0
            while waitpid(child, &status, 0) < 0, errno == EINTR {}
            let code = status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + status & 0x7f
            return Answer(status: code, out: try Molt.text(out), error: try Molt.text(error))
        }
    }

    func begin(_ program: String, _ arguments: [String], environment: [String: String] = [:]) throws -> Running {
        let out = folder("out-\(UInt32.random(in: .min ... .max))"), error = out + ".err"
        var variables = ProcessInfo.processInfo.environment
        variables["MOLT_HOME"] = home
        // Tests may run as root, where the daemon wants to be asked twice.
        variables["MOLT_ALLOW_ROOT"] = "1"
        variables["XDG_RUNTIME_DIR"] = folder.path
        variables["XDG_CONFIG_HOME"] = folder("config")
        variables.merge(environment) { $1 }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, out, O_WRONLY | O_CREAT, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, error, O_WRONLY | O_CREAT, 0o600)
        // env changes the folder and becomes the program.
        let words = (["/usr/bin/env", "-C", folder.path, program] + arguments).map { strdup($0) } + [nil]
        let settings = variables.map { strdup("\($0)=\($1)") } + [nil]
        defer { (words + settings).forEach { free($0) } }
        var child: pid_t = 0
        guard posix_spawn(&child, "/usr/bin/env", &actions, nil, words, settings) == 0 else {
            throw CannotStart(program)
        }
        return Running(child: child, out: out, error: error)
    }

    struct CannotStart: Error {
        let program: String

        init(_ program: String) {
            self.program = program
        }
    }

    /// Writes a file into the folder where `molt` runs.
    func write(_ text: String, to name: String) throws {
        try DurableFile.write(Data(text.utf8), to: folder(name))
    }

    func text(_ path: String) throws -> String { try Self.text(path) }

    fileprivate static func text(_ path: String) throws -> String {
        String(decoding: try DurableFile.read(path), as: UTF8.self)
    }

    /// Polls until `condition` holds; the failure names what was waited for.
    func until(_ what: String, within seconds: Double = 30, _ condition: () throws -> Bool) async throws {
        let clock = ContinuousClock(), end = clock.now + .seconds(seconds)
        while try !condition() {
            guard clock.now < end else { throw TookTooLong(what: what) }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    struct TookTooLong: Error {
        let what: String
    }
}
