/// What an evaluation of a model found: a file in `evaluations/` of the run's folder, and what `molt eval` shows.
package struct EvaluationReport: Codable, Hashable, Sendable {
    /// A number with the interval in which it lies in 95 of 100 repetitions.
    package struct Measure: Codable, Hashable, Sendable {
        package var name: String
        package var value: Double
        package var low: Double?
        package var high: Double?

        package init(_ name: String, _ value: Double, low: Double? = nil, high: Double? = nil) {
            self.name = name
            self.value = value
            self.low = low
            self.high = high
        }
    }

    /// One setting of what is swept, with what was measured there.
    package struct Point: Codable, Hashable, Sendable {
        /// By the names in `axes`.
        package var at: [String: Double]
        /// What was counted: targets, questions, answers.
        package var count: Int
        package var measures: [Measure]

        package init(at: [String: Double] = [:], count: Int, measures: [Measure]) {
            self.at = at
            self.count = count
            self.measures = measures
        }
    }

    package var task: String
    package var checkpoint: String
    /// Of the checkpoint; nil for a model that no run of ours trained.
    package var step: Int?
    /// Seconds since 1970.
    package var createdAt: Double
    package var seconds: Double
    /// What was asked for, in words.
    package var settings: [String: String]
    /// What is swept, the slowest first; empty for a single point.
    package var axes: [String]
    /// How the intervals were made.
    package var intervals: String
    package var points: [Point]

    package init(
        task: String, checkpoint: String, step: Int?, createdAt: Double, seconds: Double, settings: [String: String],
        axes: [String], intervals: String, points: [Point]
    ) {
        self.task = task
        self.checkpoint = checkpoint
        self.step = step
        self.createdAt = createdAt
        self.seconds = seconds
        self.settings = settings
        self.axes = axes
        self.intervals = intervals
        self.points = points
    }
}

/// Intervals around measured shares.
package enum Interval {
    /// Wilson's for a share of `hits` among `count` independent trials, at 95 %.
    package static func wilson(hits: Int, count: Int) -> (low: Double, high: Double) {
        guard count > 0 else { return (0, 1) }
        let n = Double(count), p = Double(hits) / n, z = 1.959_963_984_540_054
        let middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        let half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
        return (hits == 0 ? 0 : max(0, middle - half), hits == count ? 1 : min(1, middle + half))
    }
}

extension EvaluationReport.Measure {
    /// The share of hits with Wilson's interval.
    package static func share(_ name: String, _ hits: Int, of count: Int) -> EvaluationReport.Measure {
        let interval = Interval.wilson(hits: hits, count: count)
        return .init(name, count > 0 ? Double(hits) / Double(count) : 0, low: interval.low, high: interval.high)
    }
}
