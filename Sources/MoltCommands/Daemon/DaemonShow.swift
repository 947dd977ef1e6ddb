import ArgumentParser
import MoltAPI
import MoltCore

struct DaemonShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Say whether the daemon runs, where, and what it watches.",
        discussion: "Does not start it; exits with 3 when it does not run.\n\nExample:\n  molt daemon status --json")

    @OptionGroup var output: OutputOptions

    func run() async throws {
        let settings = Settings.fromEnvironment()
        guard let client = try DaemonLink(settings: settings).runningClient() else {
            throw CommandFailure.unavailable(
                "no daemon runs", at: settings.home, fix: "start it with: molt daemon start")
        }
        let status = try await client.daemonStatus()
        try Output.render(status, json: output.json) { Self.lines(status, now: settings.now(), terminal: $0) }
    }

    static func lines(_ status: DaemonStatus, now: Double, terminal: Terminal) -> [String] {
        var head = [
            "moltd \(status.version) on \(status.host), pid \(status.pid), "
                + "up \(Durations.text(now - status.startedAt))",
            "  home    \(status.home)", "  socket  \(status.socket)",
            "  runs    \(status.activeRuns) active of \(status.runs)",
        ]
        head += (status.troubles ?? []).map { trouble in
            "  \(terminal.coloured("trouble", .red)) \(DisplayText.escaped(trouble))"
        }
        guard !status.sites.isEmpty else { return head }
        let columns: [Table.Column] = [
            .init("SITE"), .init("KIND"), .init("LAST LOOK", .right), .init("TOOK", .right), .init("LOOKS", .right),
            .init("ERROR", minimum: 20),
        ]
        let rows = status.sites.map { site -> [Table.Cell] in
            [
                .init(DisplayText.escaped(site.name)), .init(site.kind),
                .init(site.lookedAt.map { Durations.text(now - $0) + " ago" } ?? "-"),
                .init(site.seconds.map { Decimals.text($0 * 1000, digits: 1) + " ms" } ?? "-"), "\(site.looks)",
                .init(DisplayText.escaped(site.error ?? ""), .red),
            ]
        }
        return head + [""] + Table(columns, rows: rows).lines(for: terminal)
    }
}
