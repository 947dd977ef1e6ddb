#if canImport(Glibc)
import Glibc
#endif
import MoltNN

/// Chooses the next token from scores; the same seed chooses the same tokens.
///
/// In this order: the repetition penalty, the temperature, top-k, top-p, min-p; then one draw among what is left.
package struct Sampler: Sendable {
    package struct Settings: Hashable, Sendable {
        /// 0 is greedy: always the best.
        package var temperature: Double
        /// Only the best `topK` are considered; nil means all.
        package var topK: Int?
        /// Only the best tokens that together reach this probability are considered; 1 means all.
        package var topP: Double
        /// Only tokens at least this share as likely as the best are considered; 0 means all.
        package var minP: Double
        /// What scores of tokens that were there before are divided by, or multiplied with where they are negative
        /// (Keskar et al. 2019); 1 changes nothing.
        package var repetitionPenalty: Double

        package init(
            temperature: Double = 0, topK: Int? = nil, topP: Double = 1, minP: Double = 0, repetitionPenalty: Double = 1
        ) {
            self.temperature = temperature
            self.topK = topK
            self.topP = topP
            self.minP = minP
            self.repetitionPenalty = repetitionPenalty
        }

        /// What nothing can be sampled with, in words; nil when all is well.
        package var problem: String? {
            if !(temperature >= 0 && temperature.isFinite) { return "the temperature must be at least 0" }
            if let topK, topK < 1 { return "top-k must be at least 1" }
            if !(topP > 0 && topP <= 1) { return "top-p must be above 0 and at most 1" }
            if !(minP >= 0 && minP <= 1) { return "min-p must be from 0 to 1" }
            guard repetitionPenalty > 0, repetitionPenalty.isFinite else {
                return "the repetition penalty must be above 0"
            }
            return nil
        }
    }

    package let settings: Settings
    private var generator: SplitMix

    package init(_ settings: Settings = Settings(), seed: UInt64 = 0) {
        precondition(settings.problem == nil, settings.problem ?? "")
        self.settings = settings
        generator = SplitMix(seed: seed)
    }

    /// Ties go to the lower token.
    /// - Parameter seen: tokens that were there before, for the repetition penalty.
    package mutating func choose(_ scores: [Float], seen: Set<Int> = []) -> Int {
        precondition(!scores.isEmpty, "no scores to choose from")
        let scores = penalized(scores, seen)
        let best = Self.best(scores)
        guard settings.temperature > 0, scores[best] > -.infinity else { return best }
        let candidates = candidates(scores, best: Double(scores[best]))
        var left = generator.nextUnit() * candidates.reduce(0) { $0 + $1.weight }
        for candidate in candidates {
            left -= candidate.weight
            if left < 0 { return candidate.token }
        }
        return candidates.last?.token ?? best
    }

    /// What may be drawn, with weights that need not add up to 1.
    private func candidates(_ scores: [Float], best: Double) -> [(token: Int, weight: Double)] {
        func weight(_ score: Float) -> Double { exp((Double(score) - best) / settings.temperature) }
        var found: [(token: Int, weight: Double)] = []
        let floor = settings.topK.map { Self.score(ofRank: $0, in: scores) } ?? -.infinity
        for (token, score) in scores.enumerated() where score >= floor && score > -.infinity {
            found.append((token, weight(score)))
        }
        guard settings.topK != nil || settings.topP < 1 || settings.minP > 0 else { return found }
        if let topK = settings.topK, found.count > topK { found = Array(Self.sorted(found).prefix(topK)) }
        let limit = settings.topP * found.reduce(0) { $0 + $1.weight }
        // All tokens lighter than this together are lighter than what top-p leaves out: they need no sorting.
        let negligible = settings.topP < 1 ? (limit / settings.topP - limit) / Double(found.count) : 0
        found = Self.sorted(found.filter { $0.weight >= max(settings.minP, negligible) })
        guard settings.topP < 1 else { return found }
        var sum = 0.0
        let last = found.firstIndex { candidate in
            sum += candidate.weight
            return sum >= limit
        }
        return Array(found.prefix((last ?? found.count - 1) + 1))
    }

    private func penalized(_ scores: [Float], _ seen: Set<Int>) -> [Float] {
        guard settings.repetitionPenalty != 1, !seen.isEmpty else { return scores }
        var scores = scores
        let penalty = Float(settings.repetitionPenalty)
        for token in seen where scores.indices.contains(token) {
            scores[token] = scores[token] < 0 ? scores[token] * penalty : scores[token] / penalty
        }
        return scores
    }

    private static func sorted(_ candidates: [(token: Int, weight: Double)]) -> [(token: Int, weight: Double)] {
        candidates.sorted { ($1.weight, $0.token) < ($0.weight, $1.token) }
    }

    private static func best(_ scores: [Float]) -> Int {
        var best = 0
        for index in scores.indices where scores[index] > scores[best] { best = index }
        return best
    }

    /// The `rank`-th largest score, 1 for the largest (Hoare's selection: a vocabulary is too long to sort each time).
    static func score(ofRank rank: Int, in scores: [Float]) -> Float {
        guard rank < scores.count else { return -.infinity }
        var values = scores, low = 0, high = values.count - 1
        let target = rank - 1
        while low < high {
            let pivot = values[low + (high - low) / 2]
            var left = low, right = high
            while left <= right {
                while values[left] > pivot { left += 1 }
                while values[right] < pivot { right -= 1 }
                guard left <= right else { break }
                values.swapAt(left, right)
                left += 1
                right -= 1
            }
            if target <= right {
                high = right
            } else if target >= left {
                low = left
            } else {
                break
            }
        }
        return values[target]
    }
}
