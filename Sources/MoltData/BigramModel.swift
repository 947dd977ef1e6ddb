package import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// The yardstick of a byte-level model: p(b | a) interpolated from bigram, unigram and uniform counts.
///
///     p(b | a) = w₂ c(a, b) / c(a) + w₁ c(b) / n + w₀ / V
///
/// The weights are fitted by expectation maximisation on the training counts with each event left out of its own count
/// (Jelinek and Mercer's deleted interpolation), separately for often and rarely seen contexts.
package struct BigramModel: Sendable {
    private let size: Int
    private var pairs: [Int]
    private var contexts: [Int]
    private var totals: [Int]
    private var total = 0
    private var weights: [(bigram: Double, unigram: Double, uniform: Double)]

    private static let bucketEdges = [10, 100, 1000, 10_000]

    /// Counts and fits on every document of a corpus.
    package init(fittedTo corpus: Corpus) throws(UserError) {
        size = corpus.tokenizer.vocabularySize
        pairs = Array(repeating: 0, count: size * size)
        contexts = Array(repeating: 0, count: size)
        totals = Array(repeating: 0, count: size)
        weights = Array(repeating: (0.6, 0.3, 0.1), count: Self.bucketEdges.count + 1)
        for index in 0..<corpus.documentCount {
            let document = try corpus.document(index)
            for target in document.firstTarget..<document.tokens.count {
                let context = Int(document.tokens[target - 1])
                let token = Int(document.tokens[target])
                pairs[context * size + token] += 1
                contexts[context] += 1
                totals[token] += 1
                total += 1
            }
        }
        for _ in 0..<30 { improve() }
    }

    /// Mean of −ln p over the targets of a corpus, in nats.
    package func loss(on corpus: Corpus) throws(UserError) -> (loss: Double, targets: Int) {
        var sum = 0.0
        var count = 0
        for index in 0..<corpus.documentCount {
            let document = try corpus.document(index)
            for target in document.firstTarget..<document.tokens.count {
                let parts = terms(Int(document.tokens[target - 1]), Int(document.tokens[target]), leftOut: 0)
                sum -= mixed(parts).logarithm
                count += 1
            }
        }
        return (sum / Double(max(count, 1)), count)
    }

    private typealias Terms = (bucket: Int, bigram: Double, unigram: Double, uniform: Double)

    private func terms(_ context: Int, _ token: Int, leftOut: Int) -> Terms {
        let seen = contexts[context] - leftOut
        let bigram = seen > 0 ? Double(pairs[context * size + token] - leftOut) / Double(seen) : 0
        let unigram = Double(totals[token] - leftOut) / Double(max(1, total - leftOut))
        return (Self.bucketEdges.count { seen >= $0 }, bigram, unigram, 1 / Double(size))
    }

    private func mixed(_ parts: Terms) -> (value: Double, logarithm: Double) {
        let weight = weights[parts.bucket]
        let value = weight.bigram * parts.bigram + weight.unigram * parts.unigram + weight.uniform * parts.uniform
        return (value, log(value))
    }

    private mutating func improve() {
        var sums = Array(repeating: (0.0, 0.0, 0.0), count: weights.count)
        for context in 0..<size where contexts[context] > 0 {
            for token in 0..<size where pairs[context * size + token] > 0 {
                let parts = terms(context, token, leftOut: 1)
                let weight = weights[parts.bucket]
                let share = Double(pairs[context * size + token]) / mixed(parts).value
                sums[parts.bucket].0 += share * weight.bigram * parts.bigram
                sums[parts.bucket].1 += share * weight.unigram * parts.unigram
                sums[parts.bucket].2 += share * weight.uniform * parts.uniform
            }
        }
        for bucket in weights.indices {
            let (bigram, unigram, uniform) = sums[bucket]
            let all = bigram + unigram + uniform
            if all > 0 { weights[bucket] = (bigram / all, unigram / all, uniform / all) }
        }
    }
}
