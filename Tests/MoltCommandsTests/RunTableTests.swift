import MoltAPI
import MoltCommands
import MoltCore
import Testing

struct RunTableTests {
    private func run(_ id: String, _ state: RunState, _ change: (inout RunSummary) -> Void = { _ in }) -> RunSummary {
        var run = RunSummary(
            id: id, name: "demo", state: state, recipe: "demo.yaml", site: "local", attempt: 1, incarnations: 1,
            createdAt: 1_000)
        run.partition = "low"
        change(&run)
        return run
    }

    @Test func activeRunsShowWhereTheyAreAndWhyTheyWait() {
        let running = run("7k2mabcd", .running) {
            $0.step = 120
            $0.steps = 400
            $0.loss = 2.43102
            $0.tokensPerSecond = 18_240
        }
        let pending = run("zzzz0000", .pending) { $0.pendingReason = "waits for free nodes" }
        let list = RunList(runs: [running, pending], total: 2, asOf: 1_065)
        #expect(RunTable.lines(list, terminal: Terminal()) == [
            "ID        NAME  STATE    SITE       STARTS     STEP    LOSS  TOKENS/S        AGE  NOTE",
            "7k2mabcd  demo  running  local/low       1  120/400  2.4310    18.2 k  1 min 5 s",
            "zzzz0000  demo  pending  local/low       1        -       -         -  1 min 5 s  waits for free nodes",
        ])
    }

    /// Covers J8, J11.
    @Test func namesOfOthersCannotMoveTheCursor() {
        let evil = run("aaaaaaaa", .failed) {
            $0.name = "x\u{1b}[2Jy"
            $0.lastError = "line one\nline two\u{202e}"
        }
        let lines = RunTable.lines(RunList(runs: [evil], total: 1, asOf: 1_000), terminal: Terminal())
        #expect(lines.count == 2)
        #expect(lines[1].contains(#"x\u{1b}[2Jy"#) && lines[1].contains(#"line one\nline two\u{202e}"#))
        #expect(!lines[1].unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x202E })
    }

    @Test func aShortListSaysSo() {
        let list = RunList(runs: [run("aaaaaaaa", .finished)], total: 400, asOf: 1_000)
        #expect(RunTable.lines(list, terminal: Terminal()).last == "1 of 400 runs; --all shows every one")
        #expect(RunTable.lines(RunList(runs: [], total: 0, asOf: 0), terminal: Terminal()).count == 1)
    }

    @Test func theStoryOfAPreemptedRunIsOnOnePage() {
        var first = IncarnationDetail(number: 0, epoch: 1, nodes: ["n1"], startedAt: 1_000)
        first.endedAt = 1_030
        first.outcome = "preempted"
        first.firstStep = 1
        first.lastStep = 40
        var second = IncarnationDetail(number: 1, epoch: 2, nodes: ["n1"], startedAt: 1_040)
        second.firstStep = 41
        var summary = run("7k2mabcd", .running) {
            $0.step = 50
            $0.steps = 100
            $0.loss = 2.5
            $0.asOf = 1_059
        }
        summary.startedAt = 1_000
        let detail = RunDetail(
            summary: summary, runFolder: "/runs/7k2mabcd", workingDirectory: "/w", host: "h",
            attempts: [AttemptDetail(number: 1, jobID: 5, state: "claimed", incarnations: [first, second])],
            checkpoints: [CheckpointDetail(
                step: 40, epoch: 1, path: "/runs/7k2mabcd/checkpoints/step-00000040-e1", verified: true, bytes: 2048,
                savedAt: 1_030)])
        #expect(RunPage.lines(detail, curve: nil, now: 1_060, terminal: Terminal()) == [
            "7k2mabcd  demo",
            "  state      running (as of 1 s ago)",
            "  recipe     demo.yaml",
            "  site       local, partition low",
            "  progress   step 50/100  loss 2.5000",
            "  created    1970-01-01 00:16:40 UTC, 1 min ago",
            "  started    1970-01-01 00:16:40 UTC",
            "  folder     /runs/7k2mabcd",
            "",
            "ATTEMPT  START  JOB  EPOCH  NODES  FROM       RAN  STEPS  OUTCOME    REASON",
            "      1      0    5      1  n1     00:16:40  30 s  1–40   preempted",
            "      1      1    5      2  n1     00:17:20     -  41–41  running",
            "",
            "CHECKPOINT  EPOCH     SIZE   AGE  VERIFIED  PATH",
            "   step 40      1  2.0 KiB  30 s  yes       /runs/7k2mabcd/checkpoints/step-00000040-e1",
        ])
    }

    @Test func howOftenToSaveIsALineOfThePage() {
        var detail = RunDetail(
            summary: run("7k2mabcd", .running), runFolder: "/runs/7k2mabcd", workingDirectory: "/w", host: "h")
        detail.saving = SavingDetail(every: 600, cost: 0.4, interruptions: 3, ran: 18_000, best: 69)
        let lines = RunPage.lines(detail, curve: nil, now: 1_060, terminal: Terminal())
        let saving = "every 10 min; 3 interruptions that lost steps in 5 h and 0.40 s a save: "
            + "every 1 min 9 s would lose least"
        #expect(lines.contains("  saving     " + saving))
    }

    /// Covers I5.
    @Test func whatIsDecidedAndThenToldInTheSameWordsIsToldOnce() {
        let entries = [
            ("done", "all ranks are done"), ("decision", "the run is finished"), ("finished", "the run is finished"),
            ("note", "the run is finished"), ("decision", "attempt 2 follows"), ("decision", "the run is stuck"),
        ].enumerated().map { index, entry in
            TimelineEntry(sequence: index, at: 1, kind: entry.0, message: entry.1)
        }
        #expect(TimelineText.toldOnce(entries).map(\.sequence) == [0, 2, 3, 4, 5])
        #expect(TimelineText.toldOnce([]).isEmpty)
    }

    @Test func aSlowRankIsALineOfThePage() {
        var detail = RunDetail(
            summary: run("7k2mabcd", .running), runFolder: "/runs/7k2mabcd", workingDirectory: "/w", host: "h")
        detail.slow = "rank 3 on n2\u{1b} works 1.43 s on a step, 1.8 times the median"
        let lines = RunPage.lines(detail, curve: nil, now: 1_060, terminal: Terminal())
        #expect(lines.contains(#"  slow       rank 3 on n2\u{1b} works 1.43 s on a step, 1.8 times the median"#))
    }

    @Test(arguments: [
        (0.0, "1970-01-01 00:00:00 UTC"), (951_782_399, "2000-02-28 23:59:59 UTC"),
        (951_782_400, "2000-02-29 00:00:00 UTC"), (1_795_228_344, "2026-11-21 02:32:24 UTC"),
        (4_107_542_400, "2100-03-01 00:00:00 UTC"), (-1, "1969-12-31 23:59:59 UTC"),
    ])
    func momentsAreCalendarDates(_ seconds: Double, _ text: String) {
        #expect(RunText.moment(seconds) == text)
    }
}
