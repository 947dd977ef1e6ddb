import FoundationEssentials
import MoltAPI
import MoltCommands
import MoltCore
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// The drill for the day on which the disk has eaten the database: real programs on the local site.
@Suite(.serialized)
struct DamagedDatabaseTests {
    private func submit(_ molt: Molt) throws -> String {
        let answer = try molt("submit", "r.yaml")
        #expect(answer.status == 0, "\(answer.error)")
        return String(answer.out.prefix(RunID.length))
    }

    private func show(_ molt: Molt, _ run: String) throws -> RunDetail? {
        let answer = try molt("show", run, "--json")
        return answer.status == 0 ? try JSONDecoder().decode(RunDetail.self, from: Data(answer.out.utf8)) : nil
    }

    private func starts(_ molt: Molt, _ run: String) -> String {
        (try? molt.text("\(molt.home)/runs/\(run)/checkpoints/starts")) ?? ""
    }

    private func overwrite(_ path: String, from start: Int) throws {
        let size = try DurableFile.read(path).count
        guard size > start else { return }
        let file = open(path, O_WRONLY)
        try #require(file >= 0)
        defer { close(file) }
        let junk = (start..<size).map { UInt8(truncatingIfNeeded: $0 &* 37) }
        try #require(pwrite(file, junk, junk.count, off_t(start)) == junk.count)
    }

    /// Covers H3, H5, N23.
    @Test func anOverwrittenDatabaseIsBackWithinSecondsAndNothingRunsTwice() async throws {
        let molt = try Molt(), go = molt.folder("go")
        let script = #"echo started >>"$MOLT_CHECKPOINT_DIR/starts"; while [ ! -e \#(go) ]; do sleep 0.1; done"#
        try molt.write("name: once\ntask: command\ncommand: [sh, -c, '\(script)']\n", to: "r.yaml")
        let old = try submit(molt)
        try await molt.until("the first run has started") { !starts(molt, old).isEmpty }
        #expect(try molt("daemon", "stop").status == 0)
        #expect(try molt("ls").status == 0)
        try await molt.until("there is a copy of the database", within: 20) {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(molt.home)/backups")) ?? []
            return names.contains { $0.hasPrefix("molt-") }
        }
        let new = [try submit(molt), try submit(molt)]
        for run in new {
            try await molt.until("\(run) was sent") { try show(molt, run)?.attempts.last?.jobID != nil }
        }
        let daemon = try #require(molt.daemonFile).process
        molt.stopDaemon()
        try await molt.until("the daemon is dead", within: 10) { !daemon.isAlive }
        try overwrite("\(molt.home)/molt.sqlite", from: 4096)
        try overwrite("\(molt.home)/molt.sqlite-wal", from: 32)

        let clock = ContinuousClock(), began = clock.now
        for run in [old] + new {
            try await molt.until("\(run) is known again", within: 30) {
                try show(molt, run)?.attempts.last?.jobID != nil
            }
        }
        #expect(clock.now - began < .seconds(30))
        let doctor = try molt("doctor", "--json").out
        let verdicts = try JSONDecoder().decode([DoctorVerdict].self, from: Data(doctor.utf8))
        #expect(verdicts.contains { $0.subject == "database" && $0.level == .warning }, "\(doctor)")
        try molt.write("", to: "go")
        for run in [old] + new {
            try await molt.until("\(run) is finished", within: 60) { try show(molt, run)?.summary.state == .finished }
            #expect(try show(molt, run)?.attempts.count == 1)
            #expect(starts(molt, run) == "started\n")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: molt.home).contains { $0.hasPrefix("damaged-") })
    }
}
