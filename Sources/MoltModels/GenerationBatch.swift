import MoltNN
package import MoltTensor

/// Several texts that one model continues together, shorter prompts padded on their left.
///
/// Padding is a document of its own, which nothing of the text sees: each row is what it would be alone, but for
/// rounding. Prompts are read by the layers' own forward passes (chunked scans), in pieces of `pieceTokens`; after that
/// every call reads one token a row.
package final class GenerationBatch {
    /// Tokens that one call reads of a prompt at most: what a call needs for activations is bounded by it.
    package static let pieceTokens = 4096

    private let model: HybridModel
    private let state: GenerationState
    private let precision: DType?
    /// Of the token that follows each row, [rows, vocabulary].
    package private(set) var scores: Tensor
    package private(set) var rows: Int
    /// Calls of the model so far.
    package private(set) var forwardPasses = 0

    /// - Parameters:
    ///   - prompts: at least one, each of at least one token.
    ///   - precision: the type of products, that of the weights when nil.
    ///   - pieceTokens: a smaller one only needs less memory.
    package init(
        _ model: HybridModel, prompts: [[Int32]], precision: DType? = nil, pieceTokens: Int = pieceTokens
    ) throws(TorchError) {
        precondition(prompts.allSatisfy { !$0.isEmpty } && !prompts.isEmpty, "a text starts with a token")
        self.model = model
        self.precision = precision
        state = model.generationState()
        rows = prompts.count
        scores = try Tensor.zeros([0])
        let length = prompts.map(\.count).max() ?? 0
        let isPadded = prompts.contains { $0.count < length }
        var tokens: [Int64] = [], documents: [Int32] = []
        for prompt in prompts {
            let padding = length - prompt.count
            tokens += [Int64](repeating: 0, count: padding) + prompt.map(Int64.init)
            documents += [Int32](repeating: -1, count: padding) + [Int32](repeating: 0, count: prompt.count)
        }
        let device = model.device
        let all = try Tensor(tokens, shape: [rows, length]).to(device)
        let index = isPadded ? try Tensor(documents, shape: [rows, length]).to(device) : nil
        let starts = Set(prompts.map { length - $0.count })
        var start = 0
        while start < length {
            var end = min(length, start + pieceTokens)
            // What a call's first tokens continue is what came before: no text may begin there.
            while starts.contains(end), end < length { end += 1 }
            let count = end - start
            defer { start = end }
            scores = try read(
                all.narrow(1, from: start, length: count),
                try index.map { index throws(TorchError) in try index.narrow(1, from: start, length: count) })
        }
    }

    /// Reads one further token of each row.
    package func advance(_ tokens: [Int32]) throws(TorchError) {
        precondition(tokens.count == rows, "\(tokens.count) tokens for \(rows) rows")
        let device = model.device
        scores = try read(Tensor(tokens.map(Int64.init), shape: [rows, 1]).to(device), nil)
    }

    /// Goes on with these rows alone, in this order.
    package func keep(_ kept: [Int]) throws(TorchError) {
        guard kept != Array(0..<rows) else { return }
        try state.keep(kept)
        scores = try scores.indexSelect(0, Tensor(kept).to(scores.device))
        rows = kept.count
    }

    /// The scores on the host, row by row.
    package func hostScores() throws(TorchError) -> [[Float]] {
        let wide = try scores.to(.float32), width = scores.size(1)
        let flat = try wide.to(.cpu).array(of: Float.self)
        return (0..<rows).map { Array(flat[$0 * width..<($0 + 1) * width]) }
    }

    /// Bytes of states and caches.
    package var stateBytes: Int { state.bytes }

    private func read(_ tokens: Tensor, _ documents: Tensor?) throws(TorchError) -> Tensor {
        forwardPasses += 1
        let device = tokens.device
        return try autocast(precision, on: device) { () throws(TorchError) in
            try model.step(tokens, state, sequenceIndex: documents)
        }
    }
}
