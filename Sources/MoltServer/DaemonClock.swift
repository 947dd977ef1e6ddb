import FoundationEssentials

/// Time as the daemon sees it; tests bring a clock of their own.
package protocol DaemonClock: Sendable {
    /// Seconds since 1970.
    func now() -> Double
    func sleep(seconds: Double) async throws
}

package struct SystemClock: DaemonClock {
    package init() {}

    package func now() -> Double { Date().timeIntervalSince1970 }

    package func sleep(seconds: Double) async throws {
        try await Task.sleep(for: .seconds(seconds))
    }
}
