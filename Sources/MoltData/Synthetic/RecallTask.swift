/// Multi-query associative recall (Arora et al. 2023, "Zoology"): pairs of a key and a value, then keys again, each
/// followed by its value.
///
///     k₁ v₁ k₂ v₂ … kₙ vₙ   k_{σ(1)} v_{σ(1)} k_{σ(2)} v_{σ(2)} …
///
/// The keys of a sequence differ, values may repeat. Ids 0 ..< keys are keys, the next `values` are values; the values
/// after the queries are the answers. A state of fixed size must hold all pairs at once; attention looks them up.
package struct RecallTask: SyntheticTask, Hashable {
    package var pairs: ClosedRange<Int>
    package var keys: Int
    package var values: Int
    /// Of each sequence; as many as its pairs when nil. Keys are asked for again after all have been.
    package var queries: Int?

    package init(pairs: ClosedRange<Int>, keys: Int, values: Int, queries: Int? = nil) {
        precondition(pairs.lowerBound > 0 && pairs.upperBound <= keys && values > 0, "no such recall: \(pairs) \(keys)")
        self.pairs = pairs
        self.keys = keys
        self.values = values
        self.queries = queries
    }

    package var name: String {
        "recall of \(pairs.lowerBound) to \(pairs.upperBound) pairs from \(keys) keys and \(values) values, "
            + (queries.map { "\($0) queries" } ?? "each asked once")
    }

    package var lengthMax: Int { 2 * (pairs.upperBound + (queries ?? pairs.upperBound)) }

    package func sample(_ generator: inout SeededGenerator) -> SyntheticSample {
        let count = pairs.lowerBound + Int(generator.below(UInt64(pairs.count)))
        let chosen = generator.choose(count, below: keys)
        let answers = (0..<count).map { _ in Int32(keys) + Int32(generator.below(UInt64(values))) }
        var tokens: [Int32] = [], ranges: [Range<Int>] = [], order: [Int] = []
        for (key, value) in zip(chosen, answers) { tokens += [Int32(key), value] }
        for _ in 0..<(queries ?? count) {
            if order.isEmpty { order = generator.permutation(count) }
            let asked = order.removeLast()
            ranges.append(tokens.count + 1..<tokens.count + 2)
            tokens += [Int32(chosen[asked]), answers[asked]]
        }
        return SyntheticSample(tokens: tokens, answers: ranges)
    }
}

extension SeededGenerator {
    /// `count` different numbers of `0..<bound`, in random order.
    mutating func choose(_ count: Int, below bound: Int) -> [Int] {
        // The head of a Fisher–Yates shuffle whose untouched places hold their own number.
        var moved: [Int: Int] = [:]
        return (0..<count).map { place in
            let other = place + Int(below(UInt64(bound - place)))
            let found = moved[other] ?? other
            moved[other] = moved[place] ?? place
            return found
        }
    }
}
