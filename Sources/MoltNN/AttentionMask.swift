package import MoltTensor

/// Which keys a query may see. True where it may; keys come in the order of their tokens, the queries are the last.
package enum AttentionMask {
    /// - Parameters:
    ///   - queries: how many of the last tokens ask.
    ///   - keys: how many tokens there are, the queries' own included.
    ///   - window: keys that a query sees at most, its own included; nil for all before it.
    ///   - documents: [b, keys], the document of each token; a query sees its own alone.
    /// - Returns: [queries, keys], or [b, 1, queries, keys] with documents; nil where a query sees every key.
    package static func visible(
        queries: Int, keys: Int, window: Int? = nil, documents: Tensor? = nil, on device: Device
    ) throws(TorchError) -> Tensor? {
        let past = keys - queries
        let reaches = window.map { $0 < keys } ?? false
        guard queries > 1 || reaches || documents != nil else { return nil }
        var mask = try Tensor.ones([queries, keys], dtype: .bool, device: device).lowerTriangle(diagonal: past)
        if let window, reaches { mask = try mask.upperTriangle(diagonal: past - window + 1) }
        guard let documents else { return mask }
        let asking = try documents.narrow(1, from: past, length: queries)
        return try (asking.unsqueeze(2) .== documents.unsqueeze(1)).unsqueeze(1) .& mask
    }

    /// The position of each token in its document, [b, s], from the documents [b, s] of packed tokens.
    package static func positions(_ documents_bs: Tensor) throws(TorchError) -> Tensor {
        let length = documents_bs.size(1)
        let place_s = try Tensor.arange(to: length, device: documents_bs.device)
        let starts_bs = try (documents_bs.narrow(1, from: 1, length: length - 1)
            .!= documents_bs.narrow(1, from: 0, length: length - 1)).to(.int64).pad([1, 0])
        return try place_s - (starts_bs * place_s).cumulativeMaximum(1)
    }
}
