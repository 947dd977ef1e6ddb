package import MoltCore

/// Finds the ranks for which the others wait; a value that is told of what the ranks say of their own time.
///
/// It judges in rounds: one ends once every rank has told something. A rank is slow when its own time was far above the
/// median for several rounds in a row, and no longer slow when it was near it for as many. What slows all ranks alike,
/// or one of them for a moment, is nobody's slowness.
package struct StragglerWatch: Hashable, Sendable {
    package struct Slow: Hashable, Sendable {
        package var rank: Int
        /// Seconds that it works on a step itself, and what half of the ranks do with.
        package var own: Double
        package var median: Double

        package init(rank: Int, own: Double, median: Double) {
            self.rank = rank
            self.own = own
            self.median = median
        }
    }

    package enum Change: Hashable, Sendable {
        /// The slowest first.
        case slow([Slow])
        case even
    }

    /// Rounds in a row; about half a minute after the start, a minute later on.
    package static let rounds = 6
    /// Times the median from which a rank is slow, and below which it is not slow any more.
    package static let slowFrom = 1.3
    package static let evenBelow = 1.15
    /// Seconds above the median that are worth a word.
    package static let secondsMin = 0.002
    /// Every time that one was slow and is not any more it takes twice as long to say so again, up to this many times.
    package static let patienceMax = 64

    fileprivate struct Standing: Hashable, Sendable {
        var isSlow = false
        /// Rounds in a row that speak for the contrary.
        var against = 0
        var own = 0.0
    }

    private struct Sum: Hashable, Sendable {
        var seconds = 0.0
        var steps = 0
    }

    private let ranks: Int
    private var round: [Int: Sum] = [:]
    private var standings: [Standing]
    private var median = 0.0
    private var told: Set<Int> = []
    private var patience = 1
    /// Rounds since the last change was told.
    private var quiet = StragglerWatch.rounds

    package init(ranks: Int) {
        self.ranks = ranks
        standings = Array(repeating: Standing(), count: max(0, ranks))
    }

    /// - Returns: what has changed, if something has.
    package mutating func handle(_ event: RunEvent, rank: Int) -> Change? {
        guard ranks > 1, standings.indices.contains(rank), let own = event.own, own >= 0, own.isFinite else {
            return nil
        }
        let steps = min(max(1, event.ownSteps ?? 1), Self.stepsMax)
        round[rank, default: Sum()].seconds += own * Double(steps)
        round[rank, default: Sum()].steps += steps
        guard round.count == ranks else { return nil }
        return endRound()
    }

    private static let stepsMax = 1 << 20

    /// The workers were stopped: what they say of this time is not about them.
    package mutating func interrupted() { round = [:] }

    private mutating func endRound() -> Change? {
        for (rank, sum) in round { standings[rank].own = sum.seconds / Double(max(1, sum.steps)) }
        round = [:]
        // Of an even number the lower one: of two nodes one may be the slow one.
        median = standings.map(\.own).sorted()[(ranks - 1) / 2]
        for rank in standings.indices { standings[rank].judge(median, rounds: Self.rounds * patience) }
        return change()
    }

    private mutating func change() -> Change? {
        quiet = min(quiet + 1, Self.rounds)
        let slow = Set(standings.indices.filter { standings[$0].isSlow })
        guard slow != told, quiet >= Self.rounds else { return nil }
        told = slow
        quiet = 0
        guard !slow.isEmpty else {
            patience = min(2 * patience, Self.patienceMax)
            return .even
        }
        let list = slow.map { Slow(rank: $0, own: standings[$0].own, median: median) }
        return .slow(list.sorted { ($1.own, $0.rank) < ($0.own, $1.rank) })
    }
}

extension StragglerWatch.Standing {
    fileprivate mutating func judge(_ median: Double, rounds: Int) {
        let excess = own - median
        let speaksAgainst =
            isSlow
            ? own < StragglerWatch.evenBelow * median
            : own >= StragglerWatch.slowFrom * median && excess >= StragglerWatch.secondsMin
        against = speaksAgainst ? against + 1 : 0
        // It takes longer each time to become slow; not to be acquitted.
        guard against >= (isSlow ? StragglerWatch.rounds : rounds) else { return }
        isSlow.toggle()
        against = 0
    }
}

extension StragglerWatch.Change {
    /// For people.
    ///
    /// - Parameters:
    ///   - ranks: how many there are.
    ///   - node: where a rank runs; nil when nobody knows.
    package func sentence(ranks: Int, node: (Int) -> String?) -> String {
        guard case .slow(let list) = self, let first = list.first else {
            return "no rank makes the others wait any more"
        }
        let shown = list.prefix(Self.shownMax).map { one in
            let place = node(one.rank).map { " on \($0)" } ?? ""
            let times = one.median > 0 ? ", \(Decimals.text(one.own / one.median, digits: 1)) times the median" : ""
            return "rank \(one.rank)\(place) works \(Self.text(one.own)) on a step\(times)"
        }
        let rest = list.count > shown.count ? "; so do \(list.count - shown.count) more" : ""
        return shown.joined(separator: "; ") + rest
            + ". Half of the \(ranks) ranks work \(Self.text(first.median)) at most and then wait"
    }

    private static let shownMax = 4

    private static func text(_ seconds: Double) -> String {
        seconds < 0.1 ? "\(Decimals.text(seconds * 1000, digits: 1)) ms" : "\(Decimals.text(seconds, digits: 2)) s"
    }
}
