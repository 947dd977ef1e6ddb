/// Asks that a job which somebody submitted by hand becomes a run.
package struct AdoptRequest: Codable, Hashable, Sendable {
    package var job: UInt32
    package var site: String
    /// The name of the run, whose next attempt the job becomes if there is one; nil for a new run with the job's name.
    package var run: String?

    package init(job: UInt32, site: String, run: String? = nil) {
        self.job = job
        self.site = site
        self.run = run
    }
}
