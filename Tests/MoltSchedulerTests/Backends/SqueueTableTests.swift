import MoltBackends
import MoltCore
import MoltScheduler
import Testing

/// squeue's answers, honest and hostile.
@Suite struct SqueueTableTests {
    private static let key = AttemptKey.random()
    private let table = SqueueTable(nonce: "n0nce")

    /// What squeue prints for the table's format: each field as wide as asked for, then the mark.
    static func record(_ changes: [Int: String] = [:], mark: String = "~n0nce~") -> String {
        var fields = [
            "7", "1000", "RUNNING", "None", "0", "0", "1795278704", "1795278704", "1795278705", "1795282305", "N/A",
            "1:00:00", "low", "n[1-2]", "bot.0123456789", key.comment,
            "N/A", "0",
        ]
        for (index, text) in changes { fields[index] = text }
        return fields.map { "\($0)     \(mark)" }.joined() + "\n"
    }

    private func read(_ text: String, cancelled: Set<UInt32> = []) throws -> [JobStatus] {
        try table.read(Array(text.utf8), asOf: 1_795_278_800, wasCancelled: cancelled.contains).jobs
    }

    @Test func everyFieldIsRead() throws {
        let job = try #require(try read(Self.record()).first)
        #expect(job.job == 7 && job.userID == 1000 && job.state == .running && job.reasonCode == 0)
        #expect(job.key == Self.key && job.name == "bot.0123456789" && job.partition == "low")
        #expect(job.nodes == ["n1", "n2"] && job.timeLimit == 3600 && job.preemptedAt == nil)
        #expect(job.startedAt == 1_795_278_705 && job.endsAt == 1_795_282_305)
        #expect(job.group == nil)
    }

    @Test(arguments: [([16: "3"], 7), ([16: "0-3"], 7), ([17: "5"], 5), ([16: ""], nil)] as [([Int: String], UInt32?)])
    func membersOfArraysAndHeterogeneousJobsAreTold(_ changes: [Int: String], _ group: UInt32?) throws {
        #expect(try read(Self.record(changes)).first?.group == group)
    }

    @Test(arguments: [
        "x\n8 ~other~1000~other~RUNNING", "\nJobState=COMPLETED", "a|b\t", "~", "~n0nc", "\u{1B}[2J", "",
    ])
    func aHostileNameOrCommentChangesNothingElse(_ text: String) throws {
        let jobs = try read(Self.record() + Self.record([0: "8", 14: text, 15: text]) + Self.record([0: "9"]))
        #expect(jobs.map(\.job) == [7, 8, 9])
        #expect(jobs.map(\.state) == [.running, .running, .running])
        #expect(jobs[1].key == nil && jobs[2].key == Self.key)
    }

    @Test func noTwoQuestionsHaveTheSameMark() {
        let formats = Set((0..<100).map { _ in SqueueTable().format })
        #expect(formats.count == 100)
    }

    @Test(arguments: [
        "", "\n", "slurm_load_jobs error\n", "~n0nce~\n", String(record().dropLast(4)), record() + "more",
        record([0: "x"]), record([1: "-1"]), record([4: ""]), record([5: "9:0"]), record([6: "2026-11-21T10:00:00"]),
        record([13: "n[1-"]), record([0: "99999999999"]), record().replacing("\n", with: "") + record(),
    ])
    func whatIsNoTableIsAnError(_ text: String) throws {
        guard !text.allSatisfy(\.isWhitespace) else {
            #expect(try read(text).isEmpty)
            return
        }
        #expect(throws: SqueueTable.Unreadable.self) { try read(text) }
    }

    @Test func aListOfNodesThatWasCutIsNamed() throws {
        let long = "n[" + (1...300).map { "\($0)" }.joined(separator: ",")
        let cut = String(long.prefix(512))
        let text = Self.record([13: cut]).replacing(cut + "     ", with: cut)
        let (jobs, missing) = try table.read(Array(text.utf8), asOf: 0) { _ in false }
        #expect(missing == [7] && jobs.first?.nodes == [])
        #expect(try table.readNodes(Array("n[1-3],m   ~n0nce~\n".utf8)) == ["n1", "n2", "n3", "m"])
    }

    /// squeue fills every field up to its width: that a field is full does not mean that anything is missing.
    @Test func aListOfNodesThatFitsIsNotAskedForAgain() throws {
        for list in ["n[1-2]", "", "n" + String(repeating: "1", count: 510)] {
            let padded = list + String(repeating: " ", count: 512 - list.utf8.count)
            let text = Self.record([13: list]).replacing(list + "     ~n0nce~bot", with: padded + "~n0nce~bot")
            try #require(text.contains(padded + "~n0nce~bot"))
            #expect(try table.read(Array(text.utf8), asOf: 0) { _ in false }.cut == [], "\(list)")
        }
    }

    @Test func aSentenceInPlaceOfTheReasonIsKept() throws {
        let job = try read(Self.record([2: "PENDING", 3: "launch_failed_requeued_held"])).first
        #expect(job?.detail == "launch failed requeued held" && job?.reasonCode == 0)
        #expect(try read(Self.record([2: "PENDING", 3: "JobHeldUser"])).first?.reasonCode == 16)
    }

    @Test func aJobInAnUnknownStateIsThere() throws {
        let job = try #require(try read(Self.record([2: "LEVITATING"])).first)
        #expect(job.state == .unknown && job.detail == "state LEVITATING" && !job.state.isTerminal)
    }
}

/// One word for state and flags, and what hides behind it.
@Suite struct StateWordsTests {
    private func decode(_ words: [String], ends: Double? = 90, exit: Int32 = 0, cancelled: Bool = false) -> String {
        let evidence = StateWords.Evidence(endsAt: ends, asOf: 100, exitWord: exit, wasCancelled: cancelled)
        let (state, flags) = StateWords.decode(words, evidence)
        if state == .unknown { return "unknown" }
        return "\(state) \(String(flags.rawValue, radix: 16))"
    }

    @Test(arguments: [
        (["PENDING"], "pending 0"), (["RUNNING"], "running 0"), (["COMPLETED"], "complete 0"),
        (["NODE_FAIL"], "nodeFail 0"), (["OUT_OF_MEMORY"], "outOfMemory 0"), (["running"], "running 0"),
        (["CONFIGURING"], "running 4000"), (["STOPPED"], "running 10000"), (["SPECIAL_EXIT"], "pending 1000"),
        (["REQUEUE_HOLD"], "pending 400"), (["SIGNALING"], "running 0"), (["REVOKED"], "pending 80000"),
        (["PENDING", "COMPLETING"], "pending 8000"), (["COMPLETING", "CANCELLED"], "cancelled 8000"),
        (["RUNNING", "CONFIGURING"], "running 4000"), (["TIMEOUT", "NEWER_FLAG"], "timeout 0"),
        ([], "unknown"), (["NEWER_FLAG"], "unknown"), ([""], "unknown"),
    ])
    func wordsAreStateAndFlags(_ words: [String], _ expected: String) {
        #expect(decode(words) == expected)
    }

    /// Recorded on 22.05: a job that is put back would end an hour from now, one that ended did so in the past.
    @Test func aCompletingJobThatWouldEndInTheFutureIsBeingPutBack() {
        #expect(decode(["COMPLETING"], ends: 3700) == "pending 8000")
        #expect(decode(["COMPLETING"], ends: nil) == "pending 8000")
        #expect(decode(["COMPLETING"], ends: 90) == "complete 8000")
        #expect(decode(["COMPLETING"], ends: 102) == "complete 8000", "the controller's clock is ahead of our guess")
    }

    @Test func theEndOfACompletingJobIsWhatWeKnowOfIt() {
        #expect(decode(["COMPLETING"], cancelled: true) == "cancelled 8000")
        #expect(decode(["COMPLETING"], exit: 256) == "failed 8000")
        #expect(decode(["COMPLETING"], ends: 3700, cancelled: true) == "pending 8000")
    }
}
