import MoltAPI
import MoltCommands
import MoltCore
import Testing

struct ProgressWriterTests {
    @Test func onATerminalOneLineIsRewritten() {
        var writer = ProgressWriter(terminal: Terminal(isInteractive: true, width: 20))
        #expect(writer.progress("step 1/9", now: 0) == "\r\u{1b}[Kstep 1/9")
        #expect(writer.progress("step 1/9", now: 0.1) == "")
        #expect(writer.lines(["saved"]) == "\r\u{1b}[Ksaved\n")
        #expect(writer.progress("step 2/9", now: 0.2) == "\r\u{1b}[Kstep 2/9")
        #expect(writer.end() == "\n")
        #expect(writer.end() == "")
    }

    @Test func aLongLineDoesNotWrap() {
        var writer = ProgressWriter(terminal: Terminal(isInteractive: true, width: 10))
        #expect(writer.progress("step 1/9  loss 2.0", now: 0) == "\r\u{1b}[Kstep 1/9…")
    }

    @Test func inAFileLinesComeAtMostEveryFewSeconds() {
        var writer = ProgressWriter(terminal: Terminal(), interval: 5)
        #expect(writer.progress("a", now: 0) == "a\n")
        #expect(writer.progress("b", now: 4.9) == "")
        #expect(writer.progress("c", now: 5) == "c\n")
        #expect(writer.progress("c", now: 50) == "")
        #expect(writer.lines(["x", "y"]) == "x\ny\n")
        #expect(writer.end() == "")
    }

    @Test func theLineHasStepLossSpeedAndTimeLeft() {
        let line = ProgressText.line(step: 120, steps: 400, loss: 2.43102, tokensPerSecond: 18_240, secondsLeft: 65)
        #expect(line == "step 120/400  loss 2.4310  18.2 k tokens/s  1 min 5 s left")
        #expect(ProgressText.line(step: 7, steps: nil, loss: nil, tokensPerSecond: nil, secondsLeft: nil) == "step 7")
    }

    @Test(arguments: RunState.allCases)
    func onlyAFinishedRunIsASuccess(_ state: RunState) {
        #expect((OutcomeText.exit(state) == .success) == (state == .finished))
    }

    @Test func theEndSaysWhy() {
        var summary = RunSummary(
            id: "abcdefgh", name: "n", state: .failed, recipe: "r", site: "s", attempt: 3, incarnations: 3,
            createdAt: 0)
        summary.step = 5
        summary.steps = 10
        summary.startedAt = 100
        summary.finishedAt = 190
        summary.lastError = "rank 1 was killed by signal 11"
        let detail = RunDetail(summary: summary, runFolder: "/r", workingDirectory: "/w", host: "h")
        #expect(OutcomeText.line(detail)
            == "abcdefgh failed, step 5/10, 3 starts, 1 min 30 s: rank 1 was killed by signal 11")
    }

    /// Covers J11.
    @Test func logsCannotDriveTheTerminal() {
        let text = "a\tb\nold\rnew\ndos\r\n\u{1b}[31mred\n"
        #expect(LogText.shown(text, terminal: Terminal(isInteractive: true)) == "a\tb\nnew\ndos\n\\u{1b}[31mred\n")
        #expect(LogText.shown(text, terminal: Terminal()) == text)
    }
}
