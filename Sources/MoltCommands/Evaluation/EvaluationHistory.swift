package import MoltAPI
package import MoltCore

/// What several evaluations of a run found: a table of each kind, and how it changed with the steps.
package enum EvaluationHistory {
    package static func lines(_ list: EvaluationList, terminal: Terminal) -> [String] {
        var blocks = lines(list.evaluations, terminal: terminal)
        let curve = ProgressCurve(points: list.validation)
        blocks.append(LossPlot.lines(curve, name: "validation loss", width: width(terminal), terminal: terminal))
        blocks.append(list.problems.map { terminal.coloured(DisplayText.escaped($0), .yellow) })
        if list.total > list.evaluations.count {
            blocks.append(["\(list.total - list.evaluations.count) older reports are not shown; --last shows more"])
        }
        let lines = Array(blocks.filter { !$0.isEmpty }.joined(separator: [""]))
        let name = DisplayText.escaped(list.name)
        return lines.isEmpty
            ? ["no evaluations yet; try: molt eval \(name) --task perplexity --data FILE"] : lines
    }

    /// One block for the reports of each task and settings.
    package static func lines(_ reports: [EvaluationReport], terminal: Terminal) -> [[String]] {
        var groups: [[EvaluationReport]] = []
        for report in reports {
            if let index = groups.firstIndex(where: { $0.allSatisfy(report.isLike) }) {
                groups[index].append(report)
            } else {
                groups.append([report])
            }
        }
        return groups.compactMap { group in group.last.map { block(group, newest: $0, terminal) } }
    }

    private static func block(
        _ group: [EvaluationReport], newest: EvaluationReport, _ terminal: Terminal
    ) -> [String] {
        guard group.count > 1 else { return EvaluationPage.lines(newest, terminal: terminal) }
        let title = "\(DisplayText.escaped(newest.task))  \(group.count) reports"
        var lines = [terminal.coloured(title, .bold), EvaluationPage.about(newest)]
        lines += EvaluationPage.table(group).lines(for: terminal)
        let grid = EvaluationPage.grid(newest, terminal)
        if !grid.isEmpty {
            lines += ["", newest.step.map { "the newest, of step \($0):" } ?? "the newest:"] + grid.dropFirst()
        }
        lines += EvaluationPage.plot(Array(newestOfSteps(group).suffix(Limits.curves)), terminal)
        return lines + overSteps(group, terminal)
    }

    /// Of each step the newest report, in the order of steps.
    private static func newestOfSteps(_ group: [EvaluationReport]) -> [EvaluationReport] {
        Dictionary(group.map { ($0.step, $0) }) { $1 }.values.sorted { ($0.step ?? -1) < ($1.step ?? -1) }
    }

    /// The first measure, where it was taken at more than one step; of a step the newest report counts.
    private static func overSteps(_ group: [EvaluationReport], _ terminal: Terminal) -> [String] {
        guard let measure = group.last?.points.first?.measures.first?.name else { return [] }
        let points = newestOfSteps(group).compactMap { report -> ProgressCurve.Point? in
            let values = report.points.compactMap { point in point.measures.first { $0.name == measure }?.value }
            guard let step = report.step, !values.isEmpty else { return nil }
            return .init(step: step, loss: values.reduce(0, +) / Double(values.count))
        }
        let count = group.last?.points.count ?? 0
        let name = DisplayText.escaped(measure) + (count > 1 ? ", mean of \(count) points" : "")
        let lines = LossPlot.lines(
            ProgressCurve(points: points), name: name, width: width(terminal), terminal: terminal)
        return lines.isEmpty ? [] : [""] + lines
    }

    private static func width(_ terminal: Terminal) -> Int { min(terminal.width ?? 80, Limits.plotWidth) }
}

extension EvaluationReport {
    /// Whether numbers of both may be compared.
    fileprivate func isLike(_ other: EvaluationReport) -> Bool {
        (task, axes, intervals) == (other.task, other.axes, other.intervals) && settings == other.settings
    }
}
