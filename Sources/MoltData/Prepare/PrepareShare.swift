package import MoltCore

/// Which part of a preparation somebody does, and who puts the parts together.
///
/// A part is every so many-th unit. Whoever does it, and how many there are, leaves no trace in the result.
package enum PrepareShare: Hashable, Sendable {
    /// All of it, at once.
    case whole
    /// One rank of a run. All are there at the same time: the first makes the folder, waits for the others and puts
    /// their parts together.
    case rank(Int, of: Int)
    /// One of several programs that know nothing of each other and may run one after the other, like the members of a
    /// job array. Whoever finds that nothing is left to do puts the parts together.
    case part(Int, of: Int)

    /// - Parameter text: `2/8` is the second of eight.
    package init(parsing text: String) throws(UserError) {
        let words = text.split(separator: "/", omittingEmptySubsequences: false)
        guard words.count == 2, let number = Int(words[0]), let count = Int(words[1]),
            (1...Limits.sharesMax).contains(count), (1...count).contains(number)
        else {
            throw UserError(
                "the share '\(DisplayText.escaped(text, limit: 40))' cannot be read",
                fix: "like 1/8 to 8/8; in an array of the members 1-8: $SLURM_ARRAY_TASK_ID/8")
        }
        self = .part(number - 1, of: count)
    }

    /// From 0.
    var rank: Int {
        switch self {
        case .whole: 0
        case .rank(let rank, _), .part(let rank, _): rank
        }
    }

    var ranks: Int {
        switch self {
        case .whole: 1
        case .rank(_, let ranks), .part(_, let ranks): ranks
        }
    }

    /// Of a run an older incarnation may still be ending; a person is told at once that somebody else is at work.
    var waitsForLock: Bool {
        if case .rank = self { return true }
        return false
    }

    var makesFolder: Bool {
        if case .rank(let rank, _) = self { return rank == 0 }
        return true
    }

    func takes(_ unit: Int) -> Bool { unit % ranks == rank }
}
