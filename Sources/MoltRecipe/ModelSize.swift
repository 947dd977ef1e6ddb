import MoltCore

/// Counts of a hybrid model, from its shapes alone.
package struct ModelSize: Hashable, Sendable {
    /// Numbers in all tensors.
    package var parameters: Int
    /// Of them, what one token passes through; fewer than all where a router chooses experts.
    package var activeParameters: Int
    /// Multiplications and additions to train on one token: forward once, backward twice as much.
    package var flopsPerToken: Double
    /// Numbers that generation keeps for a sequence, however long it is: states, tails of convolutions, windows.
    package var stateNumbers: Int
    /// Their bytes in bf16: states stay in fp32 (those of S4D and DSS in fp64), the rest has the type of products.
    package var stateBytes: Int
    /// Numbers that it keeps for every token: keys and values of full attention.
    package var cacheNumbers: Int

    /// Bytes of those in bf16.
    package var cacheBytes: Int { cacheNumbers.times(2) }

    /// The embedded byte tokenizer's 256 bytes and its specials, padded to a multiple of 8.
    package static let byteVocabulary = 264

    package init(_ model: ModelSection, sequenceLength: Int) {
        let vocabulary = Double(model.vocabularySize ?? Self.byteVocabulary), d = Double(model.hiddenSize)
        let ends = vocabulary * d * (model.tiedEmbeddings ? 1 : 2) + d
        let layers = model.pattern.layers.map { LayerSize($0, model, sequenceLength: sequenceLength) }
        func sum(_ number: (LayerSize) -> Double) -> Double { layers.reduce(0) { $0 + number($1) } }
        parameters = Int(bounded: ends + sum(\.parameters))
        activeParameters = Int(bounded: ends + sum(\.active))
        flopsPerToken = 3 * (2 * d * vocabulary + sum(\.flops))
        stateNumbers = Int(bounded: sum(\.state))
        stateBytes = Int(bounded: sum { $0.stateBytes(products: 2) })
        cacheNumbers = Int(bounded: sum(\.cache))
    }
}
