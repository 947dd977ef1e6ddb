import MoltAPI
import MoltCommands
import Testing

struct LossPlotTests {
    private let falling = ProgressCurve(
        points: (0...8).map { .init(step: $0 * 10, loss: 8 - Double($0)) },
        marks: [.init(step: 40, kind: "preempted", at: 0)])

    @Test func aStraightLineFallsFromCornerToCorner() {
        let lines = LossPlot.lines(falling, width: 25, height: 5, terminal: Terminal(hasUnicode: false))
        #expect(lines == [
            "loss, 8.0000 -> 0.0000",
            "8.000 |**       :",
            "      |  *****  :",
            "      |      *****",
            "      |         : ****",
            "0.000 |         :     ***",
            "       0        P step 80",
            "       P preempted at step 40",
        ])
    }

    @Test func theSteepestPlaceIsWhereTheDataFall() throws {
        let step = ProgressCurve(points: [(0, 5.0), (10, 5.0), (11, 1.0), (20, 1.0)].map { .init(step: $0, loss: $1) })
        let lines = LossPlot.lines(step, width: 40, height: 6, terminal: Terminal(hasUnicode: false))
        let plot = lines.dropFirst().prefix(6).map { $0.split(separator: "|", maxSplits: 1)[1] }
        let top = try #require(plot.first), bottom = try #require(plot.last)
        #expect(top.count < 20 && top.allSatisfy { $0 == "*" })
        #expect(bottom.filter { $0 == "*" }.count >= 14 && bottom.prefix(14).allSatisfy { $0 == " " })
    }

    @Test func marksStandUnderTheirSteps() throws {
        let lines = LossPlot.lines(falling, width: 60, terminal: Terminal())
        let footer = lines[lines.count - 2], legend = try #require(lines.last)
        #expect(legend.hasSuffix("P preempted at step 40"))
        let column = try #require(footer.firstIndex(of: "P"))
        let place = footer.distance(from: footer.startIndex, to: column)
        let start = footer.distance(from: footer.startIndex, to: try #require(footer.firstIndex(of: "0")))
        #expect(abs(Double(place - start) / Double(60 - start) - 0.5) < 0.05)
    }

    @Test func brailleDotsFillOnlyTheirCells() {
        let flat = ProgressCurve(points: [.init(step: 0, loss: 1), .init(step: 10, loss: 1)])
        let lines = LossPlot.lines(flat, width: 30, height: 3, terminal: Terminal())
        let drawn = lines.dropFirst().prefix(3).map { line in line.contains { ("\u{2801}"..."\u{28FF}").contains($0) } }
        #expect(drawn == [false, true, false])
    }

    @Test(arguments: [[], [ProgressCurve.Point(step: 3, loss: 1)], [.init(step: 3, loss: 1), .init(step: 3, loss: 2)]])
    func withoutACourseThereIsNothingToDraw(_ points: [ProgressCurve.Point]) {
        #expect(LossPlot.lines(ProgressCurve(points: points), terminal: Terminal()).isEmpty)
    }

    @Test func lossesThatAreNoNumbersAreLeftOut() {
        let points = [2, .nan, 1].enumerated().map { ProgressCurve.Point(step: $0.offset, loss: $0.element) }
        let lines = LossPlot.lines(ProgressCurve(points: points), width: 40, terminal: Terminal())
        #expect(lines.first == "loss, 2.0000 → 1.0000")
    }
}
