import MoltCore

/// What one thread needs to encode: memory used again, and the words it has seen. Belongs to one tokenizer.
final class Workbench {
    let matcher = PatternMatcher()
    let merger = Merger()
    let words = WordCache()
    /// The tokens of a word before they are merged.
    var symbols: [Int32] = []
}

/// A stretch of text that later steps may cut further or write anew.
struct Piece {
    var bytes: [UInt8]
    /// Begins where the whole text began.
    var isFirst: Bool
}
