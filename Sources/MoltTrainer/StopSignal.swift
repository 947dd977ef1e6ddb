import CMoltStacks
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// Hears the signals that mean "save and stop", whatever thread is busy; at SIGQUIT it says what every thread is doing,
/// and it counts how often the program went on after a suspension.
///
/// They are blocked in every thread, and one thread waits for them: no handler ever interrupts libtorch, and no
/// signal is lost between two looks.
package final class StopSignal: Sendable {
    package static let signals = [SIGTERM, SIGINT, SIGUSR1, SIGUSR2]
    private static let heard = signals + [SIGQUIT, SIGCONT]

    private let received = Atomic<Int32>(0)
    private let continued = Atomic<Int>(0)

    package init() {}

    /// The first signal that came, if one did.
    package var signal: Int32? {
        let value = received.load(ordering: .acquiring)
        return value == 0 ? nil : value
    }

    /// How often somebody sent SIGCONT; a scheduler also does before it ends a job.
    package var resumptions: Int { continued.load(ordering: .acquiring) }

    /// Asks for a stop as a signal would.
    package func raise(_ signal: Int32) {
        received.store(signal, ordering: .releasing)
    }

    /// Must be called before any other thread exists, since threads inherit what is blocked.
    package static func install() -> StopSignal {
        var blocked = sigset_t()
        sigemptyset(&blocked)
        for signal in heard { sigaddset(&blocked, signal) }
        pthread_sigmask(SIG_BLOCK, &blocked, nil)
        _ = molt_stacks_prepare()
        // A write to a closed pipe, or past a limit on file sizes, is an error to report and not a death.
        Glibc.signal(SIGPIPE, SIG_IGN)
        Glibc.signal(SIGXFSZ, SIG_IGN)
        let stop = StopSignal()
        var thread = pthread_t()
        let status = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<StopSignal>.fromOpaque(argument).takeRetainedValue().wait()
            }, Unmanaged.passRetained(stop).toOpaque())
        precondition(status == 0, "the first thread of a program can be made")
        pthread_detach(thread)
        return stop
    }

    private func wait() -> Never {
        var waited = sigset_t()
        sigemptyset(&waited)
        for signal in Self.heard { sigaddset(&waited, signal) }
        while true {
            var signal: Int32 = 0
            guard sigwait(&waited, &signal) == 0 else { continue }
            switch signal {
            case SIGQUIT: molt_stacks_write(STDERR_FILENO)
            case SIGCONT: continued.add(1, ordering: .acquiringAndReleasing)
            default: raise(signal)
            }
        }
    }
}
