/// Packed sequences, row after row, as the model and the loss take them.
package struct TokenBatch: Equatable, Sendable {
    /// The target of a position that the loss leaves out.
    package static let ignored: Int64 = -100

    package var rows: Int
    package var length: Int
    package var tokens: [Int64]
    /// The token that follows, or `ignored`.
    package var targets: [Int64]
    /// Number of the document within its row, from 0; padding has a number of its own.
    package var sequenceIndex: [Int32]

    package var targetCount: Int { targets.count { $0 != Self.ignored } }
}
