/// How a scheduler call failed; the cases differ in what the caller may conclude.
package enum SchedulerError: Error, Hashable, Sendable {
    /// A definite no, for good: bad partition, account, resources. Nothing was started.
    case rejected(code: Int32, message: String)
    /// A definite no for now (queue full, partition drained, back off). Nothing was started.
    case later(message: String)
    /// The request may have taken effect. Only a look at the queue tells.
    case ambiguous(message: String)
    /// Nothing was sent: the controller, its authentication or the helper is away.
    case unavailable(message: String)
    case notFound(job: UInt32)
    /// The job exists but carries another key: it is not ours to touch.
    case keyMismatch(job: UInt32)
    case notPermitted(message: String)
    /// The job's state does not allow it (already ended, already pending).
    case wrongState(job: UInt32, message: String)
}
