import FoundationEssentials
import MoltBackends
import MoltCore
import MoltScheduler
import MoltTesting
import Testing

/// Times that are none: 0, "not set" and "no end" in 32 bits and in 64, what comes after January 2038, and leap days.
@Suite struct SlurmMomentTests {
    static let cases: [(seconds: Int64, isMoment: Bool)] = [
        (0, false), (4_294_967_294, false), (4_294_967_295, false), (-1, false), (-2, false), (.min, false),
        (1, true), (1_709_164_800, true), (1_483_228_799, true), (2_147_483_647, true), (2_147_483_648, true),
        (4_102_444_800, true),
    ]

    /// The shim's own file beside a libslurm that knows one job, all of whose times are the argument.
    private static let stub = """
        #include "molt_slurm.h"
        #include "versions.h"
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        static time_t when;
        static int answer(job_info_msg_t **reply) {
            *reply = calloc(1, sizeof **reply);
            slurm_job_info_t *job = calloc(1, sizeof *job);
            job->submit_time = job->eligible_time = job->start_time = job->end_time = job->preempt_time = when;
            job->time_limit = (uint32_t)when;
            (*reply)->record_count = 1;
            (*reply)->job_array = job;
            return 0;
        }
        int slurm_load_job_user(job_info_msg_t **reply, uint32_t user, uint16_t flags) { return answer(reply); }
        int slurm_load_jobs(time_t since, job_info_msg_t **reply, uint16_t flags) { return answer(reply); }
        #if SLURM_VERSION_NUMBER >= SLURM_VERSION_NUM(26, 5, 0)
        int slurm_load_job(job_info_msg_t **reply, slurm_step_id_t job, uint16_t flags) { return answer(reply); }
        #else
        int slurm_load_job(job_info_msg_t **reply, uint32_t job, uint16_t flags) { return answer(reply); }
        #endif
        #if SLURM_VERSION_NUMBER < SLURM_VERSION_NUM(24, 5, 0)
        int slurm_get_errno(void) { return 0; }
        #endif
        void slurm_free_job_info_msg(job_info_msg_t *message) { free(message->job_array); free(message); }
        void slurm_get_job_stdout(char *text, int size, job_info_t *job) { text[0] = 0; }
        char *molt_copy(const char *text) { return strdup(text ? text : ""); }
        char *molt_expand(const char *ranges) { return molt_copy(ranges); }
        int main(int count, char **words) {
            for (int i = 1; i < count; i++) {
                when = atoll(words[i]);
                molt_slurm_jobs table;
                if (molt_slurm_load_user(0, &table) != 0 || table.count != 1) return 1;
                molt_slurm_job *job = table.jobs;
                printf("%lld %lld %lld %lld %lld\\n", (long long)job->submitted, (long long)job->eligible,
                       (long long)job->started, (long long)job->ends, (long long)job->preempted);
                molt_slurm_free_jobs(&table);
            }
            return 0;
        }
        """

    /// Covers G4.
    @Test func theShimTellsThemFromMoments() throws {
        let temporary = TemporaryFolder("moment"), folder = temporary.path
        defer { withExtendedLifetime(temporary) {} }
        let source = "\(Testbed.repository)/Sources/CSlurm"
        try DurableFile.write(Data(Self.stub.utf8), to: "\(folder)/stub.c")
        let built = Shell.run([
            "cc", "-Wall", "-Wno-unused-parameter", "-fsanitize=undefined", "-I\(source)", "-o", "\(folder)/moments",
            "\(folder)/stub.c", "\(source)/jobs.c",
        ])
        try #require(built.status == 0, "\(built.output)")
        let told = Shell.run(["\(folder)/moments"] + Self.cases.map { "\($0.seconds)" })
        let lines = told.output.split(separator: "\n")
        try #require(told.status == 0 && lines.count == Self.cases.count, "\(told.output)")
        for (line, example) in zip(lines, Self.cases) {
            let expected = example.isMoment ? example.seconds : 0
            #expect(line.split(separator: " ").map { Int64($0) } == Array(repeating: expected, count: 5), "\(example)")
        }
    }

    /// One such job must not make the answer unreadable, which would hide all others.
    ///
    /// Covers G4.
    @Test(arguments: cases) func squeueAndSlurmrestdAreReadTheSame(_ seconds: Int64, _ isMoment: Bool) throws {
        let expected = isMoment ? Double(seconds) : nil
        let record = SqueueTableTests.record([6: "\(seconds)", 7: "\(seconds)", 8: "\(seconds)", 9: "\(seconds)"])
        let rows = try SqueueTable(nonce: "n0nce").read(Array(record.utf8), asOf: 0) { _ in false }.jobs
        #expect(rows.map(\.startedAt) == [expected] && rows.map(\.endsAt) == [expected])
        #expect(rows.map(\.submittedAt) == [expected] && rows.map(\.eligibleAt) == [expected])

        for form in ["\(seconds)", #"{"set": true, "infinite": false, "number": \#(seconds)}"#] {
            let text = RestReplyTests.recorded38.replacing("1795278708", with: form)
                .replacing("1795282308", with: form)
            let job = try #require(
                try RestReply.read(Data(text.utf8)).jobs?.first?.status(asOf: 1_795_278_709) { _ in false })
            #expect(job.startedAt == expected && job.endsAt == expected, "\(form)")
        }
    }
}
