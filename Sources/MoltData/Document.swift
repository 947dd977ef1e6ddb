package import MoltCore

/// One text with the tokens it became.
package struct Document: Equatable, Sendable {
    /// begin, text (or prompt and completion), end.
    package var tokens: [Int32]
    package private(set) var shape: DocumentShape

    /// - Parameter firstTarget: index of the first token that is a target of the loss: after `begin`, or after the
    ///   prompt; so are all that follow.
    package init(tokens: [Int32], firstTarget: Int) {
        self.tokens = tokens
        shape = DocumentShape(tokens: tokens.count, firstTarget: firstTarget)
    }

    /// - Parameter spans: the ranges of tokens that are targets, ascending, none of them empty.
    package init(tokens: [Int32], spans: [Range<Int>]) {
        self.tokens = tokens
        shape = DocumentShape(tokens: tokens.count, spans: spans)
    }

    package var firstTarget: Int { shape.firstTarget }
}

/// Documents that a loader packs into sequences, wherever they come from.
package protocol DocumentSource: AnyObject {
    var tokenizer: any Tokenizer { get }
    /// What packing needs to know of each document.
    var shapes: DocumentShapes { get }
    var tokenCount: Int { get }
    /// Changes with the documents and with nothing else.
    var fingerprint: String { get }
    /// The tokens of a document in a range.
    func tokens(of index: Int, in range: Range<Int>) throws(UserError) -> ArraySlice<Int32>
}
