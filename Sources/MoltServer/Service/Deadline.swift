import Synchronization

/// Answers that somebody waits for at a terminal come soon or not at all.
enum Deadline {
    /// What `body` gives if that comes within so many seconds; else nil, and what it gives later is not heard.
    static func within<Value: Sendable>(
        _ seconds: Double, _ body: @escaping @Sendable () async -> Value?
    ) async -> Value? {
        let first = First<Value>()
        return await withCheckedContinuation { continuation in
            first.expect(continuation)
            Task { first.answer(await body()) }
            Task {
                try? await Task.sleep(for: .seconds(seconds))
                first.answer(nil)
            }
        }
    }

    /// Only the first answer counts.
    private final class First<Value: Sendable>: Sendable {
        private let asking = Mutex<CheckedContinuation<Value?, Never>?>(nil)

        func expect(_ continuation: CheckedContinuation<Value?, Never>) { asking.withLock { $0 = continuation } }

        func answer(_ value: Value?) {
            let continuation = asking.withLock { asking in
                defer { asking = nil }
                return asking
            }
            continuation?.resume(returning: value)
        }
    }
}
