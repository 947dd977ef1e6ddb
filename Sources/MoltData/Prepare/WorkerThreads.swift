import MoltCore
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// Runs a piece of work on several threads at once; the calling thread watches.
enum WorkerThreads {
    private final class Work: Sendable {
        let body: @Sendable () -> Void
        let running: Atomic<Int>

        init(_ count: Int, _ body: @escaping @Sendable () -> Void) {
            self.body = body
            running = Atomic(count)
        }

        func run() {
            body()
            running.subtract(1, ordering: .releasing)
        }
    }

    /// Calls `body` once on each of `count` threads, and returns when all have ended.
    /// - Parameter watch: called on this thread a few times a second meanwhile.
    static func run(_ count: Int, watch: () -> Void, _ body: @escaping @Sendable () -> Void) throws {
        let work = Work(count, body)
        var threads: [pthread_t] = []
        var failure: Int32 = 0
        for _ in 0..<count {
            var thread = pthread_t()
            failure = pthread_create(
                &thread, nil,
                { argument in
                    guard let argument else { return nil }
                    Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().run()
                    return nil
                }, Unmanaged.passRetained(work).toOpaque())
            guard failure == 0 else {
                Unmanaged.passUnretained(work).release()
                work.running.subtract(1, ordering: .releasing)
                continue
            }
            threads.append(thread)
        }
        guard !threads.isEmpty else { throw FileError("start threads for", "the data", code: failure) }
        var pause: UInt32 = 500
        while work.running.load(ordering: .acquiring) > 0 {
            usleep(pause)
            pause = min(pause * 2, 50_000)
            watch()
        }
        for thread in threads { pthread_join(thread, nil) }
    }
}
