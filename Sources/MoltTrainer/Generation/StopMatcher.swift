/// Finds stop strings in bytes that come piece by piece, and lets out only what cannot be part of one.
package struct StopMatcher {
    private let stops: [[UInt8]]
    private var held: [UInt8] = []
    /// The stop string that was found; nothing comes after it.
    package private(set) var found: [UInt8]?

    /// Empty strings stop nothing.
    package init(_ stops: [[UInt8]]) {
        self.stops = stops.filter { !$0.isEmpty }
    }

    /// Takes more bytes and returns those that may be shown: everything before the first stop string, and nothing that
    /// may still become one.
    package mutating func feed(_ bytes: [UInt8]) -> [UInt8] {
        guard found == nil else { return [] }
        held += bytes
        if let (place, stop) = firstMatch() {
            found = stop
            return take(place)
        }
        let waiting = (0..<held.count).first { start in
            stops.contains { $0.count > held.count - start && $0.starts(with: held[start...]) }
        }
        return take(waiting ?? held.count)
    }

    /// What was held back, when the text ends without a stop string.
    package mutating func rest() -> [UInt8] { found == nil ? take(held.count) : [] }

    /// The match that begins first; of several there, the one that the list names first.
    private func firstMatch() -> (place: Int, stop: [UInt8])? {
        for place in held.indices {
            if let stop = stops.first(where: { held[place...].starts(with: $0) }) { return (place, stop) }
        }
        return nil
    }

    private mutating func take(_ count: Int) -> [UInt8] {
        defer { held.removeFirst(count) }
        return Array(held.prefix(count))
    }
}
