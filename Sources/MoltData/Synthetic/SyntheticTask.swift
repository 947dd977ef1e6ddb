package import MoltCore

/// A task whose sequences are made by rule, with answers that the rule decides.
package protocol SyntheticTask: Sendable {
    /// What decides its sequences, in words.
    var name: String { get }
    /// Tokens of its longest sequence.
    var lengthMax: Int { get }
    /// - Throws: what the task's tokenizer cannot write.
    func sample(_ generator: inout SeededGenerator) throws(UserError) -> SyntheticSample
}

/// One made sequence.
package struct SyntheticSample: Equatable, Sendable {
    package var tokens: [Int32]
    /// Stretches of `tokens` that are answers: the targets of the loss, and what an evaluation counts.
    package var answers: [Range<Int>]

    package init(tokens: [Int32], answers: [Range<Int>]) {
        self.tokens = tokens
        self.answers = answers
    }
}
