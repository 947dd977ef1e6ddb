/// Which sequence of which source comes when, over all phases of a run: a pure function of the number of the sequence.
package struct BlendSchedule: Equatable, Sendable {
    /// A stretch of the run with one blend; the last has no end.
    package struct Phase: Equatable, Sendable {
        /// Sequences of the run before the end of the phase.
        package var end: Int?
        /// A weight for every source, zero for those that take no part.
        package var weights: [Double]

        package init(end: Int?, weights: [Double]) {
            self.end = end
            self.weights = weights
        }
    }

    private struct Stretch: Equatable {
        var start: Int
        var end: Int?
        var sources: [Int]
        var pattern: BlendPattern
        /// Sequences that each of all sources gave before the stretch.
        var given: [Int]
    }

    package let phases: [Phase]
    private let stretches: [Stretch]

    /// - Parameter phases: with rising ends; each has a weight above zero.
    package init(_ phases: [Phase]) {
        self.phases = phases
        var stretches: [Stretch] = [], start = 0
        var given = (phases.first?.weights ?? []).map { _ in 0 }
        for phase in phases {
            let sources = phase.weights.indices.filter { phase.weights[$0] > 0 }
            let pattern = BlendPattern(sources.map { phase.weights[$0] })
            stretches.append(
                Stretch(start: start, end: phase.end, sources: sources, pattern: pattern, given: given))
            guard let end = phase.end else { break }
            for (index, source) in sources.enumerated() {
                given[source] += pattern.count(of: index, before: max(0, end - start))
            }
            start = max(start, end)
        }
        self.stretches = stretches
    }

    /// The source of a sequence of the run, and how many of that source's sequences came before it.
    package func turn(_ sequence: Int) -> (source: Int, number: Int) {
        let stretch = stretches.last { $0.start <= sequence } ?? stretches[0]
        let turn = sequence - stretch.start
        let index = stretch.pattern.source(ofTurn: turn)
        let source = stretch.sources[index]
        return (source, stretch.given[source] + stretch.pattern.count(of: index, before: turn))
    }
}
