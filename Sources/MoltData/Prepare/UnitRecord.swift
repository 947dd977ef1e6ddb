/// What came of one unit; the file that holds it is the unit's commit.
struct UnitRecord: Codable, Equatable {
    var unit: Int
    /// Bytes of input.
    var bytes = 0
    var splits: [String: SplitCount] = [:]
    /// Documents that a filter left out, by its name.
    var filtered: [String: Int] = [:]
    /// Lines that are malformed, by what they are.
    var bad: [String: Int] = [:]
    /// The first of them.
    var examples: [Example] = []
    /// Ends of lines in each part of the unit, to number the lines of those that follow.
    var lineEnds: [Int] = []
    /// The first document of either kind, since one folder holds one kind.
    var firstSingle: Place?
    var firstPair: Place?

    struct SplitCount: Codable, Equatable {
        var documents = 0
        var tokens = 0
    }

    /// A line, counted from the beginning of a part of the unit.
    struct Place: Codable, Equatable {
        var part: Int
        /// Ends of lines in the part before it.
        var line: Int
    }

    struct Example: Codable, Equatable {
        var place: Place
        var what: String
    }
}

/// The parts that a prepared folder's documents are split into.
package enum DataSplit: String, Codable, Sendable, CaseIterable {
    case train, validation
}
