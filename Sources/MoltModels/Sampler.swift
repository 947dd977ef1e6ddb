#if canImport(Glibc)
import Glibc
#endif
import MoltNN

/// Chooses the next token from scores; the same seed chooses the same tokens.
package struct Sampler: Sendable {
    /// 0 is greedy: always the best.
    package var temperature: Double
    /// Only the best `topK` are considered; nil means all.
    package var topK: Int?
    /// Only the best tokens that together reach this probability are considered; 1 means all.
    package var topP: Double
    private var generator: SplitMix

    package init(temperature: Double = 0, topK: Int? = nil, topP: Double = 1, seed: UInt64 = 0) {
        precondition(temperature >= 0 && topP > 0 && topP <= 1 && topK ?? 1 > 0, "nothing can be sampled like this")
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
        generator = SplitMix(seed: seed)
    }

    /// Ties go to the lower token.
    package mutating func choose(_ scores: [Float]) -> Int {
        precondition(!scores.isEmpty, "no scores to choose from")
        if temperature == 0 { return greedy(scores) }
        var order = scores.indices.sorted { (scores[$1], $0) < (scores[$0], $1) }
        if let topK, topK < order.count { order.removeSubrange(topK...) }
        let best = Double(scores[order[0]])
        var weights = order.map { exp((Double(scores[$0]) - best) / temperature) }
        if topP < 1 {
            let limit = topP * weights.reduce(0, +)
            var sum = 0.0
            let kept = weights.firstIndex { weight in
                sum += weight
                return sum >= limit
            }
            if let kept { weights.removeSubrange((kept + 1)...) }
        }
        var left = generator.nextUnit() * weights.reduce(0, +)
        for (index, weight) in weights.enumerated() {
            left -= weight
            if left < 0 { return order[index] }
        }
        return order[weights.count - 1]
    }

    private func greedy(_ scores: [Float]) -> Int {
        var best = 0
        for index in scores.indices where scores[index] > scores[best] { best = index }
        return best
    }
}
