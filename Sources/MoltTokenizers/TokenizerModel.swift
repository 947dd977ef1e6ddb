import MoltCore

/// What the three kinds of tokenizer files have in common, once they are read. Nothing changes after that.
protocol TokenizerModel: Sendable {
    /// The largest id and one.
    var vocabularySize: Int { get }
    /// Tokens that stand for no text.
    var specialIDs: Set<Int32> { get }
    /// What the file wants around a text.
    var sequenceEnds: (before: [Int32], after: [Int32]) { get }
    func id(of token: String) -> Int32?
    func token(_ id: Int32) -> [UInt8]?
    /// Appends the ids of a text. What is not UTF-8 is handled as the tokenizer's own library does.
    func encode(
        _ text: UnsafeBufferPointer<UInt8>, addingSpecials: Bool, _ bench: Workbench, into result: inout [Int32]
    ) throws(UserError)
    /// The bytes of the tokens; unknown ids have none.
    func decode(_ ids: some Sequence<Int32>, skippingSpecials: Bool) throws(UserError) -> [UInt8]
}
