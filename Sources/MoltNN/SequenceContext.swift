package import MoltTensor

/// What the layers of one forward pass share: where documents begin, positions, masks. Masks and turns are made once.
package final class SequenceContext {
    /// The document of each token of this call, [b, s]; nil when there is one.
    package let documents: Tensor?
    /// Of all tokens so far, those of this call at the end.
    private let allDocuments: Tensor?
    /// Tokens before this call.
    private let past: Int
    private let count: Int
    private let device: Device
    private var masks: [MaskKey: Tensor?] = [:]
    private var turns: [Rotary: Rotary.Turn] = [:]
    private var found: [[Range<Int>]]??

    private struct MaskKey: Hashable {
        var queries: Int
        var keys: Int
        var last: Int
        var window: Int?
    }

    /// - Parameters:
    ///   - documents: [b, past + count], or of this call's tokens alone when nothing came before.
    package init(count: Int, past: Int = 0, documents: Tensor? = nil, on device: Device) throws(TorchError) {
        self.count = count
        self.past = past
        self.device = device
        allDocuments = documents
        self.documents = try documents.map { documents throws(TorchError) in
            past == 0 ? documents : try documents.narrow(1, from: past, length: count)
        }
    }

    /// - Parameters:
    ///   - last: the token after the last key, counted in this call's tokens.
    func mask(queries: Int, keys: Int, last: Int, window: Int?) throws(TorchError) -> Tensor? {
        let key = MaskKey(queries: queries, keys: keys, last: last, window: window)
        if let made = masks[key] { return made }
        let end = past + last
        let seen = try allDocuments.map { documents throws(TorchError) in
            try documents.narrow(1, from: end - keys, length: keys)
        }
        let mask = try AttentionMask.visible(
            queries: queries, keys: keys, window: window, documents: seen, on: device)
        masks[key] = .some(mask)
        return mask
    }

    /// The turn of this call's tokens.
    func turn(_ rotary: Rotary) throws(TorchError) -> Rotary.Turn {
        if let made = turns[rotary] { return made }
        let positions =
            if let allDocuments {
                try AttentionMask.positions(allDocuments).narrow(1, from: past, length: count)
            } else {
                try (Tensor.arange(to: count, device: device) + past).unsqueeze(0)
            }
        let made = try rotary.turn(positions)
        turns[rotary] = made
        return made
    }

    /// The documents of this call in each row, as ranges of its tokens; nil when no row has more than one.
    package func segments() throws(TorchError) -> [[Range<Int>]]? {
        if let found { return found }
        guard let documents else { return nil }
        let index = try documents.to(.int64).array(of: Int64.self)
        let rows = stride(from: 0, to: index.count, by: count).map { row in
            let starts = [0] + (1..<max(1, count)).filter { index[row + $0] != index[row + $0 - 1] }
            return zip(starts, starts.dropFirst() + [count]).map { $0..<$1 }
        }
        let result = rows.contains { $0.count > 1 } ? rows : nil
        found = .some(result)
        return result
    }

    /// Whether nothing but order decides what a query sees.
    var isPlainlyCausal: Bool { allDocuments == nil }
}
