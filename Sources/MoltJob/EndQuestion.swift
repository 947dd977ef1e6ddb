import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// One `squeue`, started without a shell, that says when a job ends.
struct EndQuestion {
    let child: Child
    private let pipe: Int32
    /// When it has taken too long, on the clock that nobody sets.
    let deadline: Double

    /// Seconds for an answer: while the workers run, and while they wait for it.
    static let patience = 20.0
    static let patienceAtStart = 2.0
    private static let answerBytes = 64

    /// Nil when it cannot be started.
    static func ask(job: UInt32, environment: [String: String], within seconds: Double) -> EndQuestion? {
        var ends: [Int32] = [-1, -1]
        guard Glibc.pipe(&ends) == 0 else { return nil }
        defer { close(ends[1]) }
        // No other thread can start anything meanwhile.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        // The user's own wishes about squeue may hide the job; the time as a number, whatever the zone.
        var environment = environment.filter { !$0.key.hasPrefix("SQUEUE_") }
        environment["SLURM_TIME_FORMAT"] = "%s"
        do throws(FileError) {
            let child = try Child.start(
                ["squeue", "-h", "-j", "\(job)", "-o", "%e"], environment: environment, pipe: ends[1])
            return EndQuestion(child: child, pipe: ends[0], deadline: Clock.steady() + seconds)
        } catch {
            close(ends[0])
            return nil
        }
    }

    /// What it printed, once it has ended with 0; to be called once, when it is no longer there.
    func answer(word: Int32) -> String? {
        defer { close(pipe) }
        var bytes = [UInt8](repeating: 0, count: Self.answerBytes)
        let count = read(pipe, &bytes, bytes.count)
        guard Child.status(word) == 0, count > 0, count < bytes.count else { return nil }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    func kill() { child.signalGroup(SIGKILL) }

    /// Waits for the answer, and for nothing else.
    func wait() -> String? {
        // Without events to wait for, it tells that the other end is closed: an answer is a line, and fits in.
        var closed = pollfd(fd: pipe, events: 0, revents: 0)
        while deadline > Clock.steady(), poll(&closed, 1, Int32((deadline - Clock.steady()) * 1000) + 1) < 0 {}
        var word: Int32 = 0
        while waitpid(child.pid, &word, WNOHANG) == 0 {
            if Clock.steady() >= deadline { kill() }
            usleep(1000)
        }
        return answer(word: word)
    }
}
