package import MoltCore

/// Turns bytes into token ids and back. Ids below `vocabularySize` are all that a model ever sees.
package protocol Tokenizer: Sendable {
    /// What the recipe calls it; recorded in checkpoints.
    var name: String { get }
    /// Ordinary tokens and specials together.
    var vocabularySize: Int { get }
    var specials: SpecialTokens { get }
    /// True when token i of a text is exactly its byte i, so that any slice can be read without the rest.
    var isBytewise: Bool { get }
    /// What its own library puts before a text. Molt's training begins every document with `specials.begin`; models of
    /// other tools' were trained as this says.
    var prefix: [Int32] { get }
    /// - Throws: saying what of the text the tokenizer has no tokens for; the place of the text is the caller's to add.
    func encode(_ bytes: ArraySlice<UInt8>) throws(UserError) -> [Int32]
    /// The bytes of the ordinary tokens; specials and unknown ids have none.
    func decode(_ tokens: some Sequence<Int32>) throws(UserError) -> [UInt8]
}

extension Tokenizer {
    package var prefix: [Int32] { [specials.begin] }
}

/// Ids with a meaning of their own.
package struct SpecialTokens: Hashable, Sendable {
    /// Begins every document; the model predicts the first token from it.
    package var begin: Int32
    /// Ends every document; a generator stops on it.
    package var end: Int32
    /// Fills a sequence that has no more documents; never a target.
    package var padding: Int32

    package init(begin: Int32, end: Int32, padding: Int32) {
        self.begin = begin
        self.end = end
        self.padding = padding
    }
}

/// The embedded default: ids 0–255 are the bytes, 256 begins a document, 257 ends it, 258 pads.
package struct ByteTokenizer: Tokenizer {
    package init() {}

    package var name: String { "bytes" }
    package var vocabularySize: Int { 259 }
    package var specials: SpecialTokens { SpecialTokens(begin: 256, end: 257, padding: 258) }
    package var isBytewise: Bool { true }

    package func encode(_ bytes: ArraySlice<UInt8>) -> [Int32] {
        bytes.map(Int32.init)
    }

    package func decode(_ tokens: some Sequence<Int32>) -> [UInt8] {
        tokens.compactMap { UInt8(exactly: $0) }
    }
}

package enum Tokenizers {
    /// The tokenizer that a recipe names.
    package static func named(_ name: String) throws(UserError) -> any Tokenizer {
        guard name == "bytes" else {
            throw UserError(
                "the tokenizer '\(DisplayText.escaped(name))' is not known", at: "data.tokenizer",
                fix: "use 'bytes', the embedded byte-level tokenizer")
        }
        return ByteTokenizer()
    }

    /// Rows of the embedding: the vocabulary rounded up to a multiple of 8, as fast matrix kernels like it.
    package static func paddedSize(_ size: Int) -> Int { (size + 7) / 8 * 8 }
}
