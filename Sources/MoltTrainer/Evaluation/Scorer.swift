import MoltModels
import MoltNN
import MoltTensor

/// Scores tokens that are given: how likely a model finds them, and whether it would have chosen them itself.
struct Scorer {
    /// Tokens to read, and which of them to score; none of them the first.
    struct Row {
        var tokens: [Int32]
        var scored: [Range<Int>]

        var targets: [Int] { scored.flatMap { Array($0) } }
    }

    /// Of each scored token of a row, in order.
    struct Scores {
        /// Nats, not above 0.
        var logProbabilities: [Double] = []
        /// Whether no other token is more likely: greedy generation would write it.
        var isBest: [Bool] = []
    }

    let model: HybridModel
    let precision: DType?
    /// Tokens that one forward pass reads at most, padding included.
    let tokensMax: Int

    init(_ model: HybridModel, precision: DType? = nil, tokensMax: Int = Limits.scoredTokens) {
        self.model = model
        self.precision = precision
        self.tokensMax = tokensMax
    }

    /// Rows of similar length are read together; what a row gets does not depend on the others.
    /// - Parameter beat: called now and then with the number of rows that are done; what it throws ends the work.
    func scores(of rows: [Row], beat: (Int) throws -> Void = { _ in }) throws -> [Scores] {
        var results = [Scores](repeating: Scores(), count: rows.count)
        let order = rows.indices.sorted { (rows[$0].tokens.count, $0) < (rows[$1].tokens.count, $1) }
        var start = 0
        while start < order.count {
            var end = start + 1
            while end < order.count, rows[order[end]].tokens.count * (end + 1 - start) <= tokensMax { end += 1 }
            let part = Array(order[start..<end])
            for (index, scores) in zip(part, try batch(part.map { rows[$0] })) { results[index] = scores }
            start = end
            try beat(start)
        }
        return results
    }

    private func batch(_ rows: [Row]) throws -> [Scores] {
        // The last token of a row is a target alone.
        let length = max(1, (rows.map(\.tokens.count).max() ?? 1) - 1), device = model.device
        var tokens: [Int64] = [], places: [Int64] = [], targets: [Int64] = []
        for (number, row) in rows.enumerated() {
            let read = row.tokens.prefix(length)
            tokens += read.map(Int64.init) + [Int64](repeating: 0, count: length - read.count)
            for target in row.targets {
                places.append(Int64(number * length + target - 1))
                targets.append(Int64(row.tokens[target]))
            }
        }
        guard !targets.isEmpty else { return rows.map { _ in Scores() } }
        var all = Scores()
        try noGrad {
            try autocast(precision, on: device) { () throws(TorchError) in
                let hidden = try model.hidden(Tensor(tokens, shape: [rows.count, length]).to(device))
                let flat = try hidden.reshape([rows.count * length, hidden.size(2)])
                    .indexSelect(0, Tensor(places).to(device))
                // Scores of a whole vocabulary are large: a few hundred positions at a time.
                for start in stride(from: 0, to: targets.count, by: Limits.scoredPositions) {
                    let count = min(Limits.scoredPositions, targets.count - start)
                    let part = try Tensor(Array(targets[start..<start + count])).to(device)
                    try add(model.logits(flat.narrow(0, from: start, length: count)), part, to: &all)
                }
            }
        }
        var taken = 0
        return rows.map { row in
            let range = taken..<taken + row.targets.count
            taken = range.upperBound
            return Scores(
                logProbabilities: Array(all.logProbabilities[range]), isBest: Array(all.isBest[range]))
        }
    }

    private func add(_ logits_nv: Tensor, _ targets_n: Tensor, to all: inout Scores) throws(TorchError) {
        let wide = try logits_nv.to(logits_nv.dtype == .float64 ? .float64 : .float32)
        let chosen_n1 = try wide.gather(1, targets_n.unsqueeze(1))
        let sum_n = try wide.logSumExp(1)
        all.logProbabilities += try (chosen_n1.squeeze(1) - sum_n).to(.float64).to(.cpu).array(of: Double.self)
        // Of equals the lowest is chosen, as in generation.
        let best = try wide.argmax(1).to(.cpu).array(of: Int64.self)
        let wanted = try targets_n.to(.cpu).array(of: Int64.self)
        all.isBest += zip(best, wanted).map { $0 == $1 }
    }
}
