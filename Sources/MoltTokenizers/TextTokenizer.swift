package import MoltCore
import Synchronization

/// A tokenizer of a file: text to ids and back, exactly as the library that made the file. May be used by many threads.
package final class TextTokenizer: Sendable {
    let model: any TokenizerModel
    package let config: TokenizerConfig
    private let resting = Mutex<[Workbench]>([])

    init(model: any TokenizerModel, config: TokenizerConfig) {
        self.model = model
        self.config = config
    }

    /// The largest id and one: the rows that an embedding needs.
    package var vocabularySize: Int { model.vocabularySize }

    /// Ids that stand for no text.
    package var specialIDs: Set<Int32> { model.specialIDs }

    package func id(of token: String) -> Int32? { model.id(of: token) }

    /// - Parameter addingSpecials: puts around the text what the file wants there, such as a token that begins it.
    package func encode(_ bytes: some Sequence<UInt8>, addingSpecials: Bool = false) throws(UserError) -> [Int32] {
        var result: [Int32] = []
        let copy = Array(bytes)
        try HuggingFaceTokenizer.borrow(copy) { (text) throws(UserError) in
            try encode(text, addingSpecials: addingSpecials, into: &result)
        }
        return result
    }

    package func encode(
        _ text: UnsafeBufferPointer<UInt8>, addingSpecials: Bool = false, into result: inout [Int32]
    ) throws(UserError) {
        guard text.count <= Limits.textBytesMax else {
            throw UserError("a text of \(text.count) bytes is too long", fix: "give it in parts")
        }
        // Moved between threads, never shared: what is taken out is used by one until it is put back.
        let bench = resting.withLock { Handed(bench: $0.popLast()) }.bench ?? Workbench()
        result.reserveCapacity(result.count + text.count / 4 + 16)
        defer {
            let back = Handed(bench: bench)
            resting.withLock { resting in
                if resting.count < Limits.restingEncodersMax, let bench = back.bench { resting.append(bench) }
            }
        }
        try model.encode(text, addingSpecials: addingSpecials, bench, into: &result)
    }

    /// The bytes that ids stand for; of those that are no UTF-8 a string makes U+FFFD, as the libraries do.
    package func decode(_ ids: some Sequence<Int32>, skippingSpecials: Bool = true) throws(UserError) -> [UInt8] {
        try model.decode(ids, skippingSpecials: skippingSpecials)
    }
}

/// A workbench on its way from one thread to another.
// Whoever holds it is the only one who does: it is either in the list of those that rest, under a lock, or in use.
private struct Handed: @unchecked Sendable {
    let bench: Workbench?
}
