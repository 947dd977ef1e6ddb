import MoltReconcile
import MoltServer
import Synchronization

/// Time that passes when the test says so.
final class ManualClock: DaemonClock {
    private let time = Mutex<Double>(1_000_000)

    func now() -> Double { time.withLock { $0 } }
    func advance(_ seconds: Double) { time.withLock { $0 += seconds } }

    func sleep(seconds: Double) async throws {
        let end = now() + seconds
        while now() < end {
            try Task.checkCancellation()
            try await Task.sleep(for: .milliseconds(2))
        }
    }
}
