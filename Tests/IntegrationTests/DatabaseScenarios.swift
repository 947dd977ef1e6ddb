import FoundationEssentials
import MoltAPI
import MoltCore
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// The daemon is killed and its database overwritten while jobs run on a real Slurm.
struct DatabaseScenarios {
    private func overwrite(_ path: String, from start: Int) throws {
        let size = (FileManager.default.contents(atPath: path) ?? Data()).count
        guard size > start else { return }
        let file = open(path, O_WRONLY)
        try #require(file >= 0)
        defer { close(file) }
        let junk = (start..<size).map { UInt8(truncatingIfNeeded: $0 &* 37) }
        try #require(pwrite(file, junk, junk.count, off_t(start)) == junk.count)
    }

    /// One run is older than the copy of the database, one younger: both go on as the jobs that they are.
    ///
    /// Covers H3, H5, N23.
    @Test func aRestoredDaemonFindsItsJobsByTheirKeysAndSendsNothingTwice() async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 4) { cluster in
            let home = "\(cluster.folder)/home/.molt"
            let old = try await cluster.submitCounter(to: 100, name: "old")
            try await cluster.wait(for: old, step: 2)
            try await cluster.molt("daemon", "stop")
            try await cluster.molt("ls")
            try await Command.until("there is a copy of the database", within: 20) {
                let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(home)/backups")) ?? []
                return names.contains { $0.hasPrefix("molt-") }
            }
            let new = try await cluster.submitCounter(to: 80, name: "new")
            let jobs = [try await cluster.job(of: old), try await cluster.job(of: new)]
            #expect(try cluster.kill("moltd") > 0)
            try await Command.until("the daemon is dead", within: 10) {
                try JSONFile.read(DaemonFile.self, from: "\(home)/daemon.json").process.isAlive == false
            }
            try overwrite("\(home)/molt.sqlite", from: 4096)
            try overwrite("\(home)/molt.sqlite-wal", from: 32)
            let clock = ContinuousClock(), began = clock.now
            try await Command.until("both runs are known again, with their jobs", within: 30) {
                var known: [UInt32?] = []
                for run in [old, new] {
                    known.append((try? await cluster.show(run))?.attempts.last { $0.jobID != nil }?.jobID)
                }
                return known == jobs
            }
            #expect(clock.now - began < .seconds(30))
            for (run, last) in [(old, 100), (new, 80)] {
                let detail = try await cluster.wait(for: run, toBe: .finished, within: 90)
                #expect(detail.attempts.count == 1)
                #expect(try cluster.steps(of: detail) == Array(1...last))
            }
        }
    }
}
