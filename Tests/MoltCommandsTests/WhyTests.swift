import MoltAPI
import MoltCommands
import MoltCore
import Testing

/// `molt why` in words, as people see it.
struct WhyTests {
    private static let now = 1_795_228_800.0  // 2026-11-21 02:40:00 UTC

    private func explanation(_ state: RunState, next: String) -> RunExplanation {
        RunExplanation(
            id: "7k2mabcd", name: "demo", state: state, site: "bed", attempt: 2, next: next, now: Self.now)
    }

    private func page(_ run: RunExplanation) -> String {
        WhyPage.lines(run, terminal: Terminal()).joined(separator: "\n")
    }

    @Test func aWaitingRunTellsWhatForAndHowLong() {
        var run = explanation(.pending, next: "it starts as soon as the scheduler lets it")
        var waiting = RunExplanation.Waiting(words: "waits for another job", code: "Dependency")
        waiting.jobID = 77
        waiting.since = Self.now - 3600
        waiting.dependency = "afterok:12"
        waiting.beginsAt = Self.now + 600
        waiting.expectedAt = Self.now + 1800
        waiting.ahead = 2
        run.waiting = waiting
        run.asOf = Self.now - 3
        #expect(
            page(run) == """
                7k2mabcd  demo: pending
                  waits    waits for another job (Dependency)
                           in the queue since 2026-11-21 01:40:00 UTC, for 1 h
                           its recipe says dependency: afterok:12
                           not before 2026-11-21 02:50:00 UTC, in 10 min
                           the scheduler expects to start it at 2026-11-21 03:10:00 UTC
                           2 waiting jobs of your own in this partition have a higher priority
                  next     it starts as soon as the scheduler lets it
                """)
    }

    @Test func aJobThatIsOverAndNotGoneTellsSinceWhen() {
        var run = explanation(.running, next: "what became of it is found out, and acted upon")
        var waiting = RunExplanation.Waiting(words: "its job is over", code: "Completing")
        waiting.endedAt = Self.now - 7200
        run.waiting = waiting
        #expect(
            page(run) == """
                7k2mabcd  demo: running
                  waits    its job is over (Completing)
                           over since 2026-11-21 00:40:00 UTC, for 2 h
                  next     what became of it is found out, and acted upon
                """)
    }

    @Test func anEndTellsItsCauseItsEvidenceAndWhatFollowed() {
        var run = explanation(.failed, next: "nothing; once the reason is mended, molt resume goes on")
        var crash = RunExplanation.End(
            at: Self.now - 60, cause: "crashed", words: "its program crashed",
            reason: "rank 3 on n1 was killed by SIGSEGV")
        crash.attempt = 1
        crash.incarnation = 2
        crash.nodes = ["n1", "n2"]
        crash.lastStep = 40
        crash.decision = "attempt 2 follows in 5 s, without n1 (crash 1 of 3 without a new checkpoint)"
        var last = RunExplanation.End(
            at: Self.now, cause: "out-of-memory", words: "it needed more memory than it had", reason: "")
        last.attempt = 2
        last.incarnation = 0
        run.ends = [crash, last]
        run.leftOut = [.init(node: "n1", reason: "crashed", since: Self.now - 60, until: Self.now + 3600)]
        run.suggestions = ["3 runs had to leave out n1 in the last days: tell the administrators"]
        #expect(
            page(run) == """
                7k2mabcd  demo: failed
                  next     nothing; once the reason is mended, molt resume goes on
                  ended    2026-11-21 02:40:00 UTC, attempt 2: it needed more memory than it had (out-of-memory)
                  ended    2026-11-21 02:39:00 UTC, attempt 1, restart 2 on n1,n2 after step 40: its program crashed \
                (crashed)
                           evidence: rank 3 on n1 was killed by SIGSEGV
                           so attempt 2 follows in 5 s, without n1 (crash 1 of 3 without a new checkpoint)
                  without  n1, until 2026-11-21 03:40:00 UTC (crashed, 1 min ago)
                  note     3 runs had to leave out n1 in the last days: tell the administrators
                """)
    }

    /// Covers I5.
    @Test func aSlowRankIsToldOfARunningRun() {
        var run = explanation(.running, next: "it trains")
        run.slow = "rank 3 on n2 works 1.43 s on a step, 1.8 times the median"
        #expect(
            page(run) == """
                7k2mabcd  demo: running
                  slow     rank 3 on n2 works 1.43 s on a step, 1.8 times the median
                  next     it trains
                """)
    }

    @Test func whileTheControllerIsAwayThePageSaysAsOfWhen() {
        var run = explanation(.running, next: "it trains")
        run.outage = "the controller does not answer"
        run.asOf = Self.now - 300
        #expect(
            page(run) == """
                7k2mabcd  demo: running
                  site bed does not answer (the controller does not answer); what follows is as of 2026-11-21 \
                02:35:00 UTC, 5 min ago
                  next     it trains
                """)
    }

    /// Covers J8.
    @Test func whatOthersWroteIsShownEscaped() {
        var run = explanation(.failed, next: "nothing")
        run.ends = [.init(at: Self.now, cause: "crashed", words: "its program crashed", reason: "\u{1b}[2Jgone")]
        #expect(!page(run).contains("\u{1b}"))
    }
}
