import FoundationEssentials
import MoltCore
import MoltScheduler
import MoltTesting
import Testing

/// Jobs of other kinds that the same user has submitted by hand.
@Suite struct CompanyTests {
    private static let kinds = BackendKind.allCases.filter(\.isSlurm)

    /// A waiting array of four, one of five hundred members whose list Slurm cuts short, and a job of two components:
    /// the table is whole, ours is in it once, and none of the others is taken for ours.
    ///
    /// Covers F1, F2, F3, F6.
    @Test(arguments: kinds) func arraysAndHeterogeneousJobsDoNotDisturbTheTable(_ kind: BackendKind) async throws {
        let backend = try await kind.open()
        let testbed = try await SlurmFixture.shared.theTestbed()
        let later = ["--begin=now+1hour", "--output=/dev/null"]
        var foreign: [UInt32] = []
        for options in [["--array=0-3"], ["--array=1-999:2"], ["-n1", ":", "-n1"]] {
            let answer = testbed.slurm(["sbatch", "--parsable"] + later + options + ["--wrap=true"])
            foreign.append(try #require(UInt32(answer.output.prefix { $0.isNumber }), "\(answer.output)"))
        }
        let job = try await backend.submit("sleep 30")
        let table = try await backend.scheduler.loadJobs()
        let own = table.jobs.filter { $0.key == job.key }
        #expect(own.count == 1 && own.first?.job == job.job && own.first?.group == nil)
        for number in foreign {
            #expect(table.jobs.allSatisfy { $0.job != number || !$0.isOurs })
            let seen = try #require(try await backend.scheduler.load(number), "\(number)")
            #expect(seen.job == number && seen.key == nil && seen.state == .pending)
            #expect(seen.group == number, "nothing that is a part of something may be adopted")
        }
        // As many members as this Slurm takes (MaxArraySize is 1001), and one more.
        let largest = testbed.slurm(["sbatch", "--parsable"] + later + ["--array=0-1000", "--wrap=true"])
        foreign.append(try #require(UInt32(largest.output.prefix { $0.isNumber }), "\(largest.output)"))
        let larger = testbed.slurm(["sbatch", "--parsable"] + later + ["--array=0-1001", "--wrap=true"])
        #expect(larger.status != 0 && larger.output.contains("Invalid job array specification"), "\(larger.output)")
        #expect(try await backend.scheduler.loadJobs().jobs.filter { $0.key == job.key }.count == 1)
        _ = testbed.slurm(["scancel"] + foreign.map { "\($0)" })
        await job.end()
    }

    /// The same question twice, with nothing between: the answer is the same, not "no change".
    ///
    /// Covers B15.
    @Test(arguments: BackendKind.allCases) func anIdleQueueAnswersTheSameTwice(_ kind: BackendKind) async throws {
        let backend = try await kind.open()
        let job = try await backend.submit("sleep 60")
        let running = try await job.wait { $0.state == .running }
        for _ in 0..<3 {
            let table = try await backend.scheduler.loadJobs()
            #expect(table.jobs.first { $0.job == job.job }?.startedAt == running.startedAt)
            #expect(try await backend.scheduler.load(job.job)?.state == .running)
        }
        #expect(try await backend.scheduler.configuration().nodes.isEmpty == false)
        await job.end()
    }
}
