import MoltAPI
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// Watches one run until it is over or paused, and tells what happens: `submit --wait` and `logs -f`.
struct RunFollower {
    let link: DaemonLink
    let terminal: Terminal
    /// Whether the log of a rank is shown along the way.
    var log: LogFollower?
    /// Nothing is written; only the end counts.
    var isQuiet = false

    /// Returns the run as it was at its end.
    func follow(_ reference: String) async throws -> RunDetail {
        Self.explainInterrupts()
        var daemon = try await LiveDaemon(link: link)
        var writer = ProgressWriter(terminal: terminal)
        var log = log
        var next = 0
        while true {
            let run = try await daemon.ask { client async throws(ClientError) in try await client.run(reference) }
            let seen = next
            let page = try await daemon.ask { client async throws(ClientError) in
                try await client.timeline(run.summary.id, after: seen)
            }
            next = page.next
            if log == nil {
                let lines = TimelineText.toldOnce(page.entries).map { Self.line($0, terminal) }
                say(writer.lines(lines))
            } else {
                let lines = try await log?.newLines(of: run, from: &daemon, terminal: terminal) ?? []
                say(writer.lines(lines))
            }
            if run.summary.state.isFinal || run.summary.state == .paused || run.summary.state == .stuck {
                say(writer.end() + OutcomeText.line(run) + "\n")
                return run
            }
            say(writer.progress(Self.progress(run), now: link.settings.now()))
            try await Task.sleep(for: .seconds(Limits.followInterval))
        }
    }

    private func say(_ text: String) {
        if !isQuiet, !text.isEmpty { Console.raw(text) }
    }

    private static func line(_ entry: TimelineEntry, _ terminal: Terminal) -> String {
        terminal.coloured(RunText.clock(entry.at), .dim) + "  " + DisplayText.escaped(entry.message)
    }

    private static func progress(_ run: RunDetail) -> String {
        let summary = run.summary
        guard summary.state == .running, summary.step != nil else {
            let reason = summary.pendingReason.map { ": " + DisplayText.escaped($0) } ?? ""
            return summary.state.rawValue + reason
        }
        return ProgressText.line(
            step: summary.step, steps: summary.steps, loss: summary.loss, tokensPerSecond: summary.tokensPerSecond,
            secondsLeft: run.secondsLeft)
    }

    /// Control-C ends the watching, not the run; say so.
    private static func explainInterrupts() {
        signal(SIGINT) { _ in
            let message: StaticString = "\nno longer following; the run goes on (molt ls, molt cancel RUN)\n"
            Glibc.write(STDERR_FILENO, message.utf8Start, message.utf8CodeUnitCount)
            _exit(130)
        }
    }
}
