import FoundationEssentials
import MoltAPI
import MoltCommands
import MoltCore
import MoltTesting
import Testing

/// What `molt eval show` and `molt show` tell of several evaluations.
struct EvaluationHistoryTests {
    private let plain = Terminal(hasUnicode: false)

    private static func report(
        _ task: String, step: Int?, at moment: Double = 0, settings: [String: String] = [:], _ values: [Double]
    ) -> EvaluationReport {
        let sweep = values.enumerated().map { index, value in
            EvaluationReport.Point(
                at: values.count > 1 ? ["pairs": Double(4 << index)] : [:], count: 8, measures: [.init("exact", value)])
        }
        return EvaluationReport(
            task: task, checkpoint: "/c", step: step, createdAt: moment, seconds: 1, settings: settings,
            axes: values.count > 1 ? ["pairs"] : [], intervals: "Wilson, 95 %", points: sweep)
    }

    private func words(_ lines: [String]) -> [String] {
        lines.map { $0.split(separator: " ").joined(separator: " ") }
    }

    @Test func checkpointsOfOneKindStandInOneTableAndOnACurve() {
        let reports = [(100, 3.0), (200, 2.0), (300, 1.0)].map { Self.report("perplexity", step: $0, [$1]) }
        let blocks = EvaluationHistory.lines(reports, terminal: plain)
        #expect(blocks.count == 1)
        let lines = words(blocks.first ?? [])
        #expect(lines.prefix(5) == [
            "perplexity 3 reports", "intervals: Wilson, 95 %", "STEP AT COUNT EXACT",
            "100 1970-01-01 00:00:00 UTC 8 3", "200 1970-01-01 00:00:00 UTC 8 2",
        ])
        #expect(lines.contains("exact, 3.0000 -> 1.0000"))
        #expect(lines.last == "100 step 300")
    }

    @Test func aSweepOverCheckpointsIsDrawnOverBoth() {
        let reports = [(100, [1.0, 0.5, 0]), (200, [1, 1, 0.25])].map { Self.report("recall", step: $0, $1) }
        let lines = words(EvaluationHistory.lines(reports, terminal: plain).first ?? [])
        #expect(lines[2] == "STEP AT PAIRS COUNT EXACT")
        #expect(lines.filter { $0.hasPrefix("100 1970") || $0.hasPrefix("200 1970") }.count == 6)
        #expect(lines.contains("exact by pairs"))
        #expect(lines.contains { $0.hasSuffix("step 100") } && lines.contains { $0.hasSuffix("step 200") })
        #expect(lines.contains("exact, mean of 3 points, 0.5000 -> 0.7500"))
    }

    @Test func whatCannotBeComparedStandsApart() {
        let reports = [
            Self.report("recall", step: 1, settings: ["seed": "1"], [1]), Self.report("needle", step: 1, [0.5]),
            Self.report("recall", step: 2, settings: ["seed": "2"], [1]),
            Self.report("recall", step: 3, settings: ["seed": "1"], [0]),
        ]
        let blocks = EvaluationHistory.lines(reports, terminal: plain)
        #expect(blocks.map { $0.first?.split(separator: " ").first } == ["recall", "needle", "recall"])
        #expect(blocks[0].first?.hasSuffix("2 reports") == true)
    }

    /// Twice at one step: the later one counts.
    @Test func ofAStepTheNewestCounts() {
        let reports = [(10, 3.0), (20, 2.0), (20, 1.0)].map { Self.report("perplexity", step: $0, [$1]) }
        let lines = EvaluationHistory.lines(reports, terminal: plain).joined()
        #expect(lines.contains("exact, 3.0000 -> 1.0000"))
        let one = [(10, 3.0), (10, 1), (nil, 2)].map { Self.report("perplexity", step: $0, [$1]) }
        #expect(!EvaluationHistory.lines(one, terminal: plain).joined().contains { $0.contains("->") })
    }

    @Test func validationsProblemsAndWhatIsLeftOutAreTold() {
        var list = EvaluationList(run: "7k2m", name: "demo", evaluations: [], total: 0)
        #expect(EvaluationHistory.lines(list, terminal: plain).first?.contains("molt eval demo --task") == true)
        list.evaluations = [Self.report("recall", step: 1, [1])]
        list.total = 3
        list.validation = [.init(step: 10, loss: 3), .init(step: 20, loss: 2)]
        list.problems = ["cannot read \u{1b}[2J"]
        let lines = EvaluationHistory.lines(list, terminal: plain)
        #expect(lines.contains("validation loss, 3.0000 -> 2.0000"))
        #expect(lines.contains("2 older reports are not shown; --last shows more"))
        #expect(!lines.joined().contains("\u{1b}"))
    }
}
