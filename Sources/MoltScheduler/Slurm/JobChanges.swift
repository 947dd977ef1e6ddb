/// What of the user's jobs is other than it was at the look before: of a long queue nearly all is as it was, and need
/// not be put into words again.
package struct JobChanges: Hashable, Sendable, Codable {
    /// The number of this look, by which the next question names it.
    package var look: Int
    /// True when everything that was known before is void: the helper did not make the look that it was asked about.
    package var isWhole: Bool
    package var changed: [JobStatus]
    package var gone: [UInt32]
    package var asOf: Double
    /// More of the same look is to be asked for: one message does not hold it.
    package var hasMore: Bool

    package init(
        look: Int, isWhole: Bool, changed: [JobStatus], gone: [UInt32], asOf: Double, hasMore: Bool = false
    ) {
        self.look = look
        self.isWhole = isWhole
        self.changed = changed
        self.gone = gone
        self.asOf = asOf
        self.hasMore = hasMore
    }
}

/// The table of the newest look, put together from what changed.
package struct SeenJobs: Sendable {
    /// The look that the table shows; nil before the first, and while parts of one are missing.
    package private(set) var look: Int?
    private var jobs: [JobStatus] = []
    private var places: [UInt32: Int] = [:]

    package init() {}

    package mutating func take(_ changes: JobChanges) {
        if changes.isWhole { self = SeenJobs() }
        for job in changes.changed {
            if let place = places[job.job] {
                jobs[place] = job
            } else {
                places[job.job] = jobs.count
                jobs.append(job)
            }
        }
        for id in changes.gone {
            guard let place = places.removeValue(forKey: id), let last = jobs.popLast() else { continue }
            guard last.job != id else { continue }
            jobs[place] = last
            places[last.job] = place
        }
        look = changes.hasMore ? nil : changes.look
    }

    package func table(asOf: Double) -> JobTable { JobTable(jobs: jobs, asOf: asOf) }
}

/// The other side: what was told of each job, as a digest, and what is still to be told.
package struct ToldJobs {
    private var look: Int
    private var known: [UInt32: Known] = [:]
    private var waiting: [JobStatus] = []
    private var asOf: Double = 0

    private struct Known {
        var digest: Int
        /// False for what is none of the asker's business.
        var isTold: Bool
    }

    /// Begins with a number that no helper before this one is likely to have reached.
    package init() {
        look = Int.random(in: 1...1 << 50)
    }

    /// - Parameters:
    ///   - since: the look that the asker has a whole table of.
    ///   - jobs: each job's number and digest.
    ///   - status: the job in words, by its place among `jobs`; nil for what is none of the asker's business.
    package mutating func changes(
        since: Int?, jobs: [(job: UInt32, digest: Int)], asOf: Double, status: (Int) -> JobStatus?
    ) -> JobChanges {
        let isWhole = since != look
        if isWhole { known = [:] }
        var now = [UInt32: Known](minimumCapacity: jobs.count)
        waiting = []
        for (place, job) in jobs.enumerated() {
            if let before = known[job.job], before.digest == job.digest {
                now[job.job] = before
            } else {
                let status = status(place)
                now[job.job] = Known(digest: job.digest, isTold: status != nil)
                if let status { waiting.append(status) }
            }
        }
        let gone = known.filter { $0.value.isTold && now[$0.key]?.isTold != true }.map(\.key)
        known = now
        look += 1
        self.asOf = asOf
        let page = self.page()
        return JobChanges(
            look: look, isWhole: isWhole, changed: page, gone: gone, asOf: asOf, hasMore: !waiting.isEmpty)
    }

    /// The next part of a look that one message did not hold; nil when it was another one.
    package mutating func rest(of asked: Int) -> JobChanges? {
        guard asked == look else { return nil }
        let page = self.page()
        return JobChanges(look: look, isWhole: false, changed: page, gone: [], asOf: asOf, hasMore: !waiting.isEmpty)
    }

    private mutating func page() -> [JobStatus] {
        var bytes = 0
        let count = waiting.prefix { job in
            bytes += job.roughBytes
            return bytes <= Limits.pageBytes
        }.count
        let page = Array(waiting.prefix(max(count, 1)))
        waiting.removeFirst(page.count)
        return page
    }
}

extension JobStatus {
    /// At most what its strings take as JSON, where each byte may become six, and some for the rest.
    fileprivate var roughBytes: Int {
        let texts = [name, comment, reason, detail, partition].reduce(0) { $0 + $1.utf8.count }
        return 600 + 6 * texts + nodes.reduce(0) { $0 + $1.utf8.count + 3 }
    }
}
