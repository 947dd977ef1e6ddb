import FoundationEssentials
import Subprocess
import Testing

#if canImport(Glibc)
import Glibc
#endif

#if canImport(System)
import System
#else
import SystemPackage
#endif

/// What a program said and how it ended.
struct Output: Sendable, CustomStringConvertible {
    let command: String
    let status: Int32
    let out: String
    let error: String

    var description: String { "\(command): exit \(status)\n\(out)\(error)" }
    var lines: [Substring] { out.split(separator: "\n") }
}

struct CommandFailed: Error, CustomStringConvertible {
    let description: String
}

/// Runs programs as the ordinary user of the tests: root gives its rights up first, as no user of ours has them.
enum Command {
    static let user = "molt-test"
    static let isRoot = getuid() == 0

    /// Runs a program to its end with exactly this environment.
    static func run(_ argv: [String], environment: [String: String], asRoot: Bool = false) async throws -> Output {
        let full = isRoot && !asRoot ? dropping(argv) : argv
        let result = try await Subprocess.run(
            .name(full[0]), arguments: Arguments(Array(full.dropFirst())), environment: .custom(environment.keyed),
            workingDirectory: FilePath("/tmp"), input: .none, output: .string(limit: 8 << 20),
            error: .string(limit: 8 << 20))
        let status: Int32 =
            switch result.terminationStatus {
            case .exited(let code): Int32(code)
            case .signaled(let signal): 128 + Int32(signal)
            }
        return Output(
            command: argv.joined(separator: " "), status: status, out: result.standardOutput,
            error: result.standardError)
    }

    /// The same command for root, who gives his rights up before it.
    static func dropping(_ argv: [String]) -> [String] {
        ["setpriv", "--reuid=\(user)", "--regid=\(user)", "--clear-groups", "--inh-caps=-all"] + argv
    }

    /// Polls until the condition holds; the only way that these tests wait. A look that takes long on a busy machine is
    /// repeated the more rarely: looking must not slow down what is waited for.
    static func until(
        _ what: String, within seconds: Double, every interval: Double = 0.2,
        _ condition: () async throws -> Bool
    ) async throws {
        let clock = ContinuousClock()
        let deadline = clock.now.advanced(by: .seconds(seconds))
        while true {
            let began = clock.now
            if try await condition() { return }
            let now = clock.now
            guard now < deadline else {
                throw CommandFailed(description: "waited \(seconds) s in vain until \(what)")
            }
            try await clock.sleep(for: min(max(.seconds(interval), began.duration(to: now) * 3), .seconds(1)))
        }
    }
}

extension [String: String] {
    fileprivate var keyed: [Environment.Key: String] {
        var result: [Environment.Key: String] = [:]
        for (name, value) in self { result[Environment.Key(stringLiteral: name)] = value }
        return result
    }
}
