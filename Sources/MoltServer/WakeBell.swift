package import MoltReconcile

/// Wakes whatever waits for work; a ring between two waits is not lost.
package actor WakeBell {
    private var rings = 0
    private var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
    private var nextID = 0

    package init() {}

    package var count: Int { rings }

    package func ring() {
        rings += 1
        let waiters = waiting
        waiting = [:]
        for (_, waiter) in waiters { waiter.resume() }
    }

    /// Returns after `seconds`, at the first ring after the `seen`-th, or when the caller is cancelled.
    package func wait(seconds: Double, seen: Int, clock: any DaemonClock) async {
        guard rings == seen, !Task.isCancelled else { return }
        nextID += 1
        let id = nextID
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.untilRung(id, seen: seen) }
            group.addTask {
                try? await clock.sleep(seconds: seconds)
                await self.release(id)
            }
            await group.next()
            group.cancelAll()
        }
    }

    private func untilRung(_ id: Int, seen: Int) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if rings != seen || Task.isCancelled {
                    continuation.resume()
                } else {
                    waiting[id] = continuation
                }
            }
        } onCancel: {
            Task { await self.release(id) }
        }
    }

    private func release(_ id: Int) {
        waiting.removeValue(forKey: id)?.resume()
    }
}
