import FoundationEssentials
import MoltAPI
import MoltCommands
import MoltCore
import MoltTesting
import Testing

/// What `molt eval` shows of a report.
struct EvaluationPageTests {
    private static func report(_ axes: [String], _ points: [EvaluationReport.Point]) -> EvaluationReport {
        EvaluationReport(
            task: "recall", checkpoint: "/runs/a/checkpoints/step-00000800-e1", step: 800, createdAt: 0, seconds: 1,
            settings: ["samples": "50"], axes: axes, intervals: "Wilson, 95 %", points: points)
    }

    private static let sweep = [(4, 8), (8, 8), (16, 4), (32, 0)].map { size, hits in
        EvaluationReport.Point(at: ["pairs": Double(size)], count: 8, measures: [.share("exact", hits, of: 8)])
    }

    @Test func aSweepIsATableWithIntervalsAndAPlot() {
        let lines = EvaluationPage.lines(Self.report(["pairs"], Self.sweep), terminal: Terminal(hasUnicode: false))
        #expect(lines[0].hasPrefix("recall  step-00000800-e1"))
        #expect(lines[1] == "  samples 50, intervals: Wilson, 95 %")
        #expect(lines[2].split(separator: " ") == ["PAIRS", "COUNT", "EXACT"])
        #expect(lines[3].hasSuffix("    4      8  1.000 [0.676, 1.000]"))
        #expect(lines[6].hasSuffix("0.000 [0.000, 0.324]"))
        #expect(lines.contains("exact by pairs"))
        #expect(lines.last?.split(separator: " ") == ["4", "8", "16", "32"])
    }

    @Test func theCurveGoesThroughItsPoints() {
        let lines = SharePlot.lines(
            [.init(name: "exact", points: [(1, 1), (2, 1), (4, 0)])], title: "exact by pairs", width: 27, height: 3,
            terminal: Terminal(hasUnicode: false))
        #expect(lines == [
            "exact by pairs",
            "1.0 |*************",
            "    |             *****",
            "0.0 |                  ***",
            "     1         2         4",
        ])
        #expect(SharePlot.lines([], title: "exact", terminal: Terminal()).isEmpty)
        let one = SharePlot.Series(name: "exact", points: [(3, 1)])
        #expect(SharePlot.lines([one], title: "exact", terminal: Terminal()).isEmpty)
    }

    @Test func severalCurvesHaveTheirNamesAtTheirEnds() {
        let series = [("a", 1.0), ("b", 0.5), ("c", 0), ("d", 0)].map { name, end in
            SharePlot.Series(name: name, points: [(1, 1), (2, end)])
        }
        let lines = SharePlot.lines(
            series, title: "t", width: 22, height: 3, terminal: Terminal(hasUnicode: false))
        #expect(lines.count == 5)
        #expect(lines[1].hasSuffix("*  a") && lines[2].hasSuffix("*  b") && lines[3].hasSuffix("*  c, d"), "\(lines)")
    }

    @Test func twoAxesAreAGrid() throws {
        let points = [512.0, 1024].flatMap { tokens in
            [0, 0.5, 1].map { depth in
                EvaluationReport.Point(
                    at: ["tokens": tokens, "depth": depth], count: 4,
                    measures: [.share("exact", tokens == 512 ? 4 : Int(4 * depth), of: 4)])
            }
        }
        let lines = EvaluationPage.lines(Self.report(["tokens", "depth"], points), terminal: Terminal())
        let start = try #require(lines.lastIndex(of: ""))
        #expect(lines[(start + 1)...].map { $0.split(separator: " ").joined(separator: " ") } == [
            "depth \\ tokens 512 1024", "0 100 % 0 %", "0.50 100 % 50 %", "1 100 % 100 %",
        ])
    }

    @Test func theReportsOfARunsFolderAreShownWithoutADaemon() throws {
        let molt = try Molt()
        let none = try molt("eval", "show", "./run")
        #expect(none.status == 0 && none.out.hasPrefix("no evaluations yet"), "\(none.error)")
        let folder = RunFolder(path: molt.folder("run")).evaluations
        try DurableFile.makeFolder(folder)
        let report = Self.report(["pairs"], Self.sweep)
        try JSONFile.write(report, to: "\(folder)/1000-recall.json")
        let shown = try molt("eval", "show", "./run")
        #expect(shown.out.contains("1.000 [0.676, 1.000]") && shown.out.contains("exact by pairs"))
        let json = try molt("eval", "show", "./run", "--json")
        let list = try JSONDecoder().decode(EvaluationList.self, from: Data(json.out.utf8))
        #expect(list.evaluations == [report] && list.run == molt.folder("./run"))
        #expect(try molt("eval", "show", "./run", "--task", "needle").out.hasPrefix("no evaluations yet"))
        #expect(try molt("eval", "./run").status == 2)
        #expect(try molt("eval", "show", "./run", "--last", "0").status == 2)
        #expect(molt.daemonFile == nil)
    }

    @Test func hostileWordsInAReportAreShownEscaped() {
        let axes = ["\u{1b}[31m", "\u{1b}[32m"]
        let points = [1.0, 2].map { value in
            EvaluationReport.Point(
                at: [axes[0]: value, axes[1]: value], count: 1, measures: [.init("\u{1b}[33m", 1)])
        }
        var report = Self.report(axes, points)
        report.settings = ["a": "\u{1b}[2J"]
        report.task = "\u{1b}[1m"
        report.checkpoint = "/x/\u{1b}]0;"
        let text = EvaluationPage.lines(report, terminal: Terminal()).joined(separator: "\n")
        #expect(text.contains("1b") && !text.contains("\u{1b}"))
        report.axes.removeLast()
        let swept = EvaluationPage.lines(report, terminal: Terminal()).joined(separator: "\n")
        #expect(swept.contains(" by ") && !swept.contains("\u{1b}"))
    }
}
