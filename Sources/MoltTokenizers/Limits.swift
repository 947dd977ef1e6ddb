/// No file and no text makes the tokenizers hang, or grow without bound.
enum Limits {
    /// Of a tokenizer's file; the largest known ones have 35 MB.
    static let fileBytesMax = 512 << 20
    static let jsonDepthMax = 128
    /// Ids above it are refused; the largest known vocabularies have 256,000 tokens.
    static let idMax = 1 << 22
    static let tokenBytesMax = 1 << 16
    static let addedTokensMax = 1 << 16
    static let addedTokenBytesMax = 1 << 10
    static let pipelineStepsMax = 64
    static let patternBytesMax = 1 << 16
    /// Backtracking steps of one match of a pattern; the known ones need a few for a character.
    static let matchStepsMax: UInt32 = 5_000_000
    static let jitStackBytesMax = 1 << 20
    /// Text that one call encodes.
    static let textBytesMax = 1 << 31 - 1
    /// A normalizer's output, as a multiple of its input, and something on top.
    static let growthMax = 64
    /// Words that are kept with their tokens, and the bytes of one.
    static let cachedWordsMax = 1 << 16
    static let cachedWordBytesMax = 128
    /// Encoders that rest until the next text, with the words they know.
    static let restingEncodersMax = 64
    /// Of a chat template: its bytes, how deep it nests and calls, its steps, and the text that it writes.
    static let templateBytesMax = 1 << 20
    static let templateDepthMax = 200
    static let templateStepsMax = 5_000_000
    static let templateOutputBytesMax = 16 << 20
    static let templateNamespacesMax = 10_000
    static let templateRangeMax = 100_000
}
