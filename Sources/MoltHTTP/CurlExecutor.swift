import Dispatch

/// Runs an actor's work on one serial queue of its own, so that a blocking call never holds a thread of the
/// cooperative pool.
final class CurlExecutor: SerialExecutor {
    private let queue = DispatchQueue(label: "molt.http")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async {
            job.runSynchronously(on: self.asUnownedSerialExecutor())
        }
    }
}
