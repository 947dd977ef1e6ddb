import FoundationEssentials
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// Writes down what a silent program is doing, without a debugger: what the kernel tells of it and of each of its
/// threads, and then, once it runs again, what it tells of itself when asked by a signal.
struct StackDump {
    let log: String

    static let threadsMax = 256
    /// Seconds in which a program that was asked should have begun to answer, and after which it must be done.
    static let answerMax = 4.0
    private static let quiet = 0.4

    /// - Parameters:
    ///   - rank: the program's first process; its state is the report's.
    ///   - others: what it has started.
    /// - Returns: the state before anything was done to it.
    func take(rank pid: Int32, others: [Int32]) -> (state: String, waitsIn: String?) {
        let found = (Self.state(pid), Self.waits(pid))
        append(Self.kernelText(pid) + others.map(Self.kernelText).joined())
        let all = [pid] + others
        for each in all { kill(each, SIGCONT) }
        let asked = all.filter(ask)
        if !asked.isEmpty { awaitAnswer(of: asked) }
        append("--- end ---\n")
        return found
    }

    /// SIGQUIT asks Molt's engine, Java and Go for their stacks; SIGABRT asks Python's fault handler. Only who catches
    /// the signal gets it.
    private func ask(_ pid: Int32) -> Bool {
        for signal in [SIGQUIT, SIGABRT] where Self.catches(signal, pid) { return kill(pid, signal) == 0 }
        return false
    }

    /// Until the log has grown and then rested.
    private func awaitAnswer(of asked: [Int32]) {
        let begun = Clock.steady(), before = size
        var last = before, changedAt = begun
        while Clock.steady() - begun < Self.answerMax {
            usleep(20_000)
            let now = Clock.steady(), current = size
            if current != last { (last, changedAt) = (current, now) }
            if current > before, now - changedAt > Self.quiet { return }
            if asked.allSatisfy({ (ProcStat.read(pid: $0)?.state ?? "Z") == "Z" }) { return }
        }
    }

    private var size: Int {
        var info = stat()
        return stat(log, &info) == 0 ? Int(info.st_size) : 0
    }

    private func append(_ text: String) {
        let descriptor = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        JobLog.write(text, to: descriptor)
    }

    // MARK: - What the kernel tells

    private static func kernelText(_ pid: Int32) -> String {
        var text = "\n--- no progress: state of the worker (pid \(pid)) ---\n"
        text += read("/proc/\(pid)/status") ?? "it is gone\n"
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []
        for thread in threads.sorted().prefix(threadsMax) {
            let folder = "/proc/\(pid)/task/\(thread)"
            let name = read("\(folder)/comm")?.filter { !$0.isNewline } ?? "?"
            let state = read("\(folder)/stat").flatMap(ProcStat.init(parsing:)).map { "\($0.state)" } ?? "?"
            let waits = read("\(folder)/wchan") ?? "?"
            let call = read("\(folder)/syscall")?.split(separator: " ").first ?? "?"
            text += "thread \(thread) \(name): state \(state), waits in \(waits), system call \(call)\n"
            if let stack = read("\(folder)/stack"), !stack.isEmpty { text += stack }
        }
        if threads.count > threadsMax { text += "and \(threads.count - threadsMax) more threads\n" }
        return text
    }

    /// `T (stopped)`.
    private static func state(_ pid: Int32) -> String {
        field("State", pid) ?? "gone"
    }

    private static func waits(_ pid: Int32) -> String? {
        guard let name = read("/proc/\(pid)/wchan"), !name.isEmpty, name != "0" else { return nil }
        return DisplayText.escaped(name, limit: 80)
    }

    static func catches(_ signal: Int32, _ pid: Int32) -> Bool {
        guard let text = field("SigCgt", pid), let set = UInt64(text, radix: 16) else { return false }
        return set & 1 << UInt64(signal - 1) != 0
    }

    private static func field(_ name: String, _ pid: Int32) -> String? {
        let line = read("/proc/\(pid)/status")?.split(separator: "\n").first { $0.hasPrefix("\(name):") }
        return line.map { String($0.dropFirst(name.count + 1)).filter { $0 != "\t" } }
    }

    private static func read(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }
}
