#if canImport(Glibc)
import Glibc
#endif

/// Signals as messages: blocked everywhere, taken one at a time by `wait`. A synchronous program needs no handlers.
enum Signals {
    private static let watched = [SIGTERM, SIGINT, SIGUSR1, SIGUSR2, SIGHUP, SIGCHLD, SIGPIPE]

    /// To be called before any thread exists.
    static func block() {
        var set = makeSet(watched)
        sigprocmask(SIG_BLOCK, &set, nil)
    }

    /// The next signal, or nil when none came within `seconds`.
    static func wait(seconds: Double) -> Int32? {
        var set = makeSet(watched)
        var time = timespec()
        time.tv_sec = Int(seconds)
        time.tv_nsec = Int((seconds - seconds.rounded(.down)) * 1e9)
        var info = siginfo_t()
        let signal = sigtimedwait(&set, &info, &time)
        return signal > 0 ? signal : nil
    }

    /// A stop signal that has come and not been taken by `wait`.
    static var pendingStop: Int32? {
        var set = sigset_t()
        guard sigpending(&set) == 0 else { return nil }
        return StopSignals.all.first { sigismember(&set, $0) == 1 }
    }

    static func makeSet(_ signals: [Int32]) -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
        return set
    }

    /// Every signal there is.
    static var every: sigset_t {
        var set = sigset_t()
        sigfillset(&set)
        return set
    }
}
