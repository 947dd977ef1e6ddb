/// A fault that is made on purpose, to see that the run survives it.
package enum DrillFault: String, Codable, Hashable, Sendable, CaseIterable {
    /// The job is stopped and put back into the queue, as by a job with a higher priority.
    case preempt
    /// Every worker gets SIGKILL.
    case kill
    /// Its node is declared down, as when it breaks, and up again once the job has left it.
    case nodeFail = "node-fail"
    /// The job's time limit is lowered to a minute or two from now.
    case walltime
    /// The daemon cannot reach the scheduler for a while.
    case ctldOutage = "ctld-outage"
}

package struct DrillRequest: Codable, Hashable, Sendable {
    package var fault: DrillFault
    /// How long an outage lasts.
    package var seconds: Double?

    package init(fault: DrillFault, seconds: Double? = nil) {
        self.fault = fault
        self.seconds = seconds
    }
}

/// The run at the moment of the fault.
package struct DrillStart: Codable, Hashable, Sendable {
    package var id: String
    package var name: String
    package var attempt: Int
    package var incarnation: Int
    /// The last step that was known.
    package var step: Int
    /// Seconds since 1970, by the daemon's clock.
    package var at: Double
    /// The step of the newest checkpoint that was known to be whole; nil for none.
    package var savedStep: Int?
    /// When an outage is over.
    package var until: Double?

    package init(id: String, name: String, attempt: Int, incarnation: Int, step: Int, at: Double) {
        self.id = id
        self.name = name
        self.attempt = attempt
        self.incarnation = incarnation
        self.step = step
        self.at = at
    }
}
