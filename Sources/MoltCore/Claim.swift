/// The contents of `epochs/<n>`: which process owns the run from this epoch on.
package struct Claim: Codable, Hashable, Sendable {
    package var key: AttemptKey
    package var epoch: Int
    package var attempt: Int
    /// Slurm's restart count of the job.
    package var incarnation: Int
    package var jobID: UInt32
    package var host: String
    package var process: ProcessIdentity
    /// Seconds since 1970, by the claiming node's clock.
    package var claimedAt: Double

    package init(
        key: AttemptKey, epoch: Int, attempt: Int, incarnation: Int, jobID: UInt32, host: String,
        process: ProcessIdentity, claimedAt: Double
    ) {
        self.key = key
        self.epoch = epoch
        self.attempt = attempt
        self.incarnation = incarnation
        self.jobID = jobID
        self.host = host
        self.process = process
        self.claimedAt = claimedAt
    }
}
