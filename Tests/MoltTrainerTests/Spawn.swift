import FoundationEssentials
import MoltCore
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Tests that run real workers, one fleet at a time: the machine has few cores, and the workers use them all. Only the
/// fleets of `ResumeTests` run beside them: what starts again and again leaves cores idle.
@Suite(.serialized)
struct WorkerTests {}

/// Starts programs that were built beside the tests.
enum Spawn {
    struct Failure: Error { let text: String }

    static func program(_ name: String) -> String {
        var path = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &path, path.count - 1)
        let own = String(decoding: path.prefix(max(0, count)).map(UInt8.init(bitPattern:)), as: UTF8.self)
        return own.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" } + "/\(name)"
    }

    static func start(_ arguments: [String], _ environment: [String: String], output: String) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        var envp: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0)=\($1)") } + [nil]
        defer { (argv + envp).forEach { free($0) } }
        var pid: pid_t = 0
        let status = posix_spawn(&pid, arguments[0], &actions, nil, &argv, &envp)
        guard status == 0 else { throw Failure(text: "\(arguments[0]): \(String(cString: strerror(status)))") }
        return pid
    }

    /// The exit status; the number of a deadly signal is negative.
    static func wait(_ pid: pid_t) async -> Int32 { await waitMeasuring(pid).status }

    /// The exit status, and the largest resident size that the process ever had, in bytes.
    static func waitMeasuring(_ pid: pid_t) async -> (status: Int32, peak: Double) {
        while !hasEnded(pid) { await pause() }
        return reap(pid)
    }

    /// Gives the thread back: tests share a few, and must not sit on them while workers work.
    static func pause() async { try? await Task.sleep(for: .milliseconds(1)) }

    @discardableResult
    static func reap(_ pid: pid_t) -> (status: Int32, peak: Double) {
        var status: Int32 = 0
        var usage = rusage()
        while wait4(pid, &status, 0, &usage) < 0, errno == EINTR {}
        let signal = status & 0x7F
        return (signal == 0 ? (status >> 8) & 0xFF : -signal, Double(usage.ru_maxrss) * 1024)
    }

    static func hasEnded(_ pid: pid_t) -> Bool {
        var information = siginfo_t()
        return waitid(P_PID, id_t(pid), &information, WEXITED | WNOHANG | WNOWAIT) == 0
            && information.si_signo == SIGCHLD
    }

    /// What a verb of `molt-train` prints, on the CPU where it may choose; throws with its words when it fails.
    /// - Parameter expected: the exit status; another one is an error.
    static func output(_ arguments: [String], status expected: Int32 = 0) async throws -> String {
        let folder = TemporaryFolder("output")
        let path = folder("out")
        let environment = ProcessInfo.processInfo.environment.merging(["CUDA_VISIBLE_DEVICES": ""]) { $1 }
        let pid = try start([program("molt-train")] + arguments, environment, output: path)
        let status = await wait(pid)
        let text = String(decoding: (try? DurableFile.read(path)) ?? Data(), as: UTF8.self)
        guard status == expected else { throw Failure(text: "exit \(status): \(text)") }
        return text
    }
}
