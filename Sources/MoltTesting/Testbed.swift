import Dispatch
import FoundationEssentials
package import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// A private Slurm for tests, run by an ordinary user: `Scripts/testbed` with a Swift face.
///
/// Root drops to the user `molt-test` (made on demand). It ends with this process, however that ends.
package final class Testbed: Sendable {
    /// An ordinary user may look into it; jobs may write to its subfolder `work`.
    package let folder: String
    package var configuration: String { "\(folder)/slurm.conf" }
    package var work: String { "\(folder)/work" }

    /// - Parameter options: as `Scripts/testbed --help` lists them.
    package init(_ options: [String] = []) throws(UserError) {
        var template = Array("/tmp/molt-testbed-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw UserError("cannot make a folder in /tmp") }
        folder = String(cString: made)
        chmod(folder, 0o755)
        if let user = Self.dropTo {
            let made = Shell.run(
                "id -u \(user) >/dev/null 2>&1 || useradd --system --no-create-home --shell /bin/bash \(user)")
            guard made.status == 0 else { throw UserError("cannot make the user \(user): \(made.output)") }
            Shell.run("chown \(user): \(Shell.quoted(folder))")
        }
        try command("start", options + ["--until-exit", "\(getpid())", "--temporary"])
        Shell.run(asUser(["mkdir", "-m", "755", work]))
    }

    /// The same off the cooperative pool, whose few threads other tests need while Slurm starts.
    package static func start(_ options: [String] = []) async throws -> Testbed {
        try await offPool { try Testbed(options) }
    }

    /// `command`, off the cooperative pool.
    package func fault(_ name: String, _ arguments: [String] = []) async throws {
        _ = try await Self.offPool { try self.command(name, arguments) }
    }

    package static func offPool<Result: Sendable>(
        _ body: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(with: Swift.Result { try body() }) }
        }
    }

    /// Whoever drops the last reference does not wait. What this process leaves behind when it ends, the testbed's own
    /// watch takes down.
    deinit {
        DispatchQueue.global().async { [folder] in
            _ = try? Self.command("stop", in: folder)
            try? FileManager.default.removeItem(atPath: folder)
        }
    }

    /// One of the script's commands: `ctld-kill`, `node-down` with `["2"]`, `stop`, …
    @discardableResult
    package func command(_ name: String, _ arguments: [String] = []) throws(UserError) -> String {
        try Self.command(name, arguments, in: folder)
    }

    private static func command(
        _ name: String, _ arguments: [String] = [], in folder: String
    ) throws(UserError) -> String {
        let user = dropTo.map { ["--user", $0] } ?? []
        let result = Shell.run([script, name, folder] + arguments + user)
        guard result.status == 0 else { throw UserError("testbed \(name) failed: \(result.output)") }
        return result.output
    }

    /// A Slurm command (`sbatch`, `scontrol`) run by the testbed's user.
    package func slurm(_ arguments: [String]) -> (status: Int32, output: String) {
        Shell.run(asUser(["env", "SLURM_CONF=\(configuration)"] + arguments))
    }

    /// True when slurmctld's saved state holds `text`; what it does not hold is lost when the controller dies.
    package func hasSaved(_ text: String) -> Bool {
        let state = try? DurableFile.read("\(folder)/state/job_state")
        return state?.firstRange(of: Array(text.utf8)) != nil
    }

    /// The same command, run by the testbed's user.
    package func asUser(_ command: [String]) -> [String] { Self.asUser(command) }

    package static func asUser(_ command: [String]) -> [String] {
        guard let user = dropTo else { return command }
        return ["/usr/bin/setpriv", "--reuid=\(user)", "--regid=\(user)", "--init-groups", "--inh-caps=-all"] + command
    }

    /// Nil when the tests run as an ordinary user already.
    package static let dropTo: String? = geteuid() == 0 ? "molt-test" : nil

    package static let repository: String = {
        let file = #filePath
        return file.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }
    }()

    private static let script = "\(repository)/Scripts/testbed"
}

/// Commands of tests; never of the product.
package enum Shell {
    @discardableResult
    package static func run(_ arguments: [String]) -> (status: Int32, output: String) {
        run(arguments.map(quoted).joined(separator: " "))
    }

    @discardableResult
    package static func run(_ command: String) -> (status: Int32, output: String) {
        guard let stream = popen("{ \(command)\n} 2>&1 </dev/null", "r") else { return (-1, "popen failed") }
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        while true {
            let count = fread(&buffer, 1, buffer.count, stream)
            if count == 0 { break }
            output += buffer[0..<count]
        }
        let word = pclose(stream)
        let status = word & 0x7f == 0 ? (word >> 8) & 0xff : 128 + (word & 0x7f)
        return (status, String(decoding: output, as: UTF8.self))
    }

    package static func quoted(_ text: String) -> String {
        "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}

/// Looks every few milliseconds until `condition` holds; false when it does not within `seconds`.
///
/// - Parameter pause: seconds between two looks, more where a look is dear.
package func eventually(
    within seconds: Double, every pause: Double = 0.05, _ condition: () async throws -> Bool
) async rethrows -> Bool {
    let start = ContinuousClock.now
    while true {
        if try await condition() { return true }
        if ContinuousClock.now - start > .seconds(seconds) { return false }
        try? await Task.sleep(for: .seconds(pause))
    }
}
