import MoltCore

/// A token for a word, or for its pieces from the left, each as long as can be (Schuster and Nakajima 2012).
struct WordModel: Sendable {
    var vocabulary: ByteMap
    var unknown: [UInt8]
    /// Nil: words are taken whole. Else what pieces after the first begin with.
    var prefix: [UInt8]?
    /// Longer words are unknown.
    var charactersMax = 100

    func append(_ word: [UInt8], to result: inout [Int32]) throws(UserError) {
        guard let prefix else {
            if let id = vocabulary.find(word) { return result.append(id) }
            return result.append(try unknownID())
        }
        let scalars = UTF8Text.scalars(word)
        guard scalars.count <= charactersMax else { return result.append(try unknownID()) }
        var found: [Int32] = []
        var start = 0
        while start < scalars.count {
            var end = scalars.count
            var id: Int32?
            while end > start, id == nil {
                let text = UTF8Text.bytes(scalars[start..<end])
                id = vocabulary.find(start > 0 ? prefix + text : text)
                if id == nil { end -= 1 }
            }
            guard let id else { return result.append(try unknownID()) }
            found.append(id)
            start = end
        }
        result += found
    }

    private func unknownID() throws(UserError) -> Int32 {
        guard let id = vocabulary.find(unknown) else {
            throw UserError(
                "the tokenizer's token for unknown words is not in its vocabulary", fix: "take another tokenizer")
        }
        return id
    }
}
