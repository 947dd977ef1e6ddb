import FoundationEssentials
import MoltScheduler

/// Time as the daemon sees it; tests bring a clock of their own.
package protocol DaemonClock: Sendable {
    /// Seconds since 1970.
    func now() -> Double
    func sleep(seconds: Double) async throws
}

/// Seconds since 1970 as they were when the daemon started, and what has passed since on a clock that nobody sets: the
/// patience of a loop must not end because somebody corrected the time.
package struct SteadyClock: DaemonClock {
    private let origin: Double

    package init(startedAt now: Double = SystemClock().now()) {
        origin = now - MonotonicTime.now()
    }

    package func now() -> Double { origin + MonotonicTime.now() }

    package func sleep(seconds: Double) async throws {
        try await Task.sleep(for: .seconds(seconds))
    }
}

package struct SystemClock: DaemonClock {
    package init() {}

    package func now() -> Double { Date().timeIntervalSince1970 }

    package func sleep(seconds: Double) async throws {
        try await Task.sleep(for: .seconds(seconds))
    }
}
