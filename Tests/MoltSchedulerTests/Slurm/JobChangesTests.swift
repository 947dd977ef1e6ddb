import MoltScheduler
import MoltTesting
import Testing

/// A table that is told in changes is the table.
struct JobChangesTests {
    private static func job(_ id: UInt32, comment: String = "molt:1:a", priority: UInt32 = 1) -> JobStatus {
        var job = JobStatus(job: id, name: "run", comment: comment, userID: 1, state: .pending)
        job.priority = priority
        return job
    }

    private static func look(_ told: inout ToldJobs, _ seen: inout SeenJobs, at jobs: [JobStatus]) -> [JobChanges] {
        var messages = [
            told.changes(since: seen.look, jobs: jobs.map { ($0.job, $0.hashValue) }, asOf: 5) { place in
                jobs[place].comment.isEmpty ? nil : jobs[place]
            }
        ]
        seen.take(messages[0])
        while let last = messages.last, last.hasMore, let next = told.rest(of: last.look) {
            messages.append(next)
            seen.take(next)
        }
        return messages
    }

    private static func sorted(_ jobs: [JobStatus]) -> [JobStatus] {
        jobs.filter { !$0.comment.isEmpty }.sorted { $0.job < $1.job }
    }

    @Test func randomTablesArriveAsTheyAre() {
        for seed in 1...50 as ClosedRange<UInt64> {
            var numbers = TrialNumbers(seed: seed, part: "changes")
            var told = ToldJobs(), seen = SeenJobs(), jobs: [JobStatus] = []
            for _ in 0..<40 {
                for _ in 0..<Int.random(in: 0...3, using: &numbers) {
                    let id = UInt32.random(in: 1...30, using: &numbers)
                    jobs.removeAll { $0.job == id }
                    // A job may become ours and may cease to be.
                    let comment = Bool.random(using: &numbers) ? "molt:1:a" : ""
                    if Bool.random(using: &numbers) {
                        jobs.append(Self.job(id, comment: comment, priority: UInt32.random(in: 1...3, using: &numbers)))
                    }
                }
                // The helper was replaced, or the daemon knows nothing.
                if UInt8.random(in: 0..<10, using: &numbers) == 0 { told = ToldJobs() }
                if UInt8.random(in: 0..<10, using: &numbers) == 0 { seen = SeenJobs() }
                _ = Self.look(&told, &seen, at: jobs)
                #expect(Self.sorted(seen.table(asOf: 5).jobs) == Self.sorted(jobs), "seed \(seed)")
            }
        }
    }

    @Test func whatIsAsItWasIsNotTold() {
        var told = ToldJobs(), seen = SeenJobs()
        var jobs = (1...1000).map { Self.job(UInt32($0)) }
        #expect(Self.look(&told, &seen, at: jobs).map(\.changed.count) == [1000])
        #expect(Self.look(&told, &seen, at: jobs).map(\.changed.count) == [0])
        jobs[7].priority = 9
        jobs.removeLast()
        let news = Self.look(&told, &seen, at: jobs)
        #expect(news.flatMap(\.changed) == [jobs[7]] && news.flatMap(\.gone) == [1000])
    }

    /// More than a message may hold comes in parts, and counts only once all of them are there.
    @Test func aTableOfAnyLengthArrives() {
        var told = ToldJobs(), seen = SeenJobs()
        let name = String(repeating: "n", count: 1000)
        let jobs = (1...3000).map { id in
            var job = Self.job(UInt32(id))
            job.name = name
            return job
        }
        let first = told.changes(since: nil, jobs: jobs.map { ($0.job, 1) }, asOf: 1) { jobs[$0] }
        seen.take(first)
        #expect(first.hasMore && seen.look == nil)
        #expect(told.rest(of: first.look + 1) == nil)
        let parts = Self.look(&told, &seen, at: jobs)
        #expect(parts.count > 2 && parts[0].isWhole)
        #expect(seen.table(asOf: 1).jobs.count == 3000)
    }
}
