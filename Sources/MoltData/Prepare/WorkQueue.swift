import Synchronization

/// Hands out items in their order until one fails.
final class WorkQueue: Sendable {
    private struct State {
        var items: [Int]
        var next = 0
        var failed: (item: Int, error: any Error)?
    }

    private let state: Mutex<State>

    init(_ items: [Int]) { state = Mutex(State(items: items)) }

    func next() -> Int? {
        state.withLock { state in
            guard state.failed == nil, state.next < state.items.count else { return nil }
            defer { state.next += 1 }
            return state.items[state.next]
        }
    }

    /// Those before it are being worked on, and may fail, too: the first counts.
    func fail(_ item: Int, _ error: any Error) {
        state.withLock { if item < $0.failed?.item ?? .max { $0.failed = (item, error) } }
    }

    var failure: (any Error)? { state.withLock { $0.failed?.error } }
}

/// Adds up what threads have done.
final class PrepareMeter: Sendable {
    private let count: Atomic<Int>

    init(done: Int) { count = Atomic(done) }

    var value: Int { count.load(ordering: .relaxed) }

    func add(_ bytes: Int) { count.add(bytes, ordering: .relaxed) }
}
