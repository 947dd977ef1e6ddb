/// What a recipe or a site file may not exceed: such files come from other people.
enum Limits {
    static let fileBytes = 128 << 10
    /// Tokens by which the room for keys and values grows, as the engine's does.
    static let keyBlockTokens = 256
    /// Of a line of a tiktoken file: a token and its rank.
    static let rankLineBytes = 1 << 17
    static let depth = 32
    /// Nodes after expansion of aliases.
    static let nodes = 20_000
    static let aliases = 16
    static let extendsDepth = 8
    static let overrides = 256
    static let listItems = 4096
    /// Any size of a model.
    static let sizeMax = 1 << 30
    /// Words of a command that are looked at as files of other people's, and the bytes of one that are read for it.
    static let programsChecked = 64
    static let programBytes = 64 << 20
    /// A tokenizer's file, and the largest id that is counted.
    static let tokenizerBytes = 256 << 20
    static let tokenIDMax = 1 << 30
}

/// What generation, evaluation and conversion may be asked for, by a recipe and on a command line alike.
package enum WorkLimits {
    package static let generatedTokensMax = 1_000_000
    /// Of one call: texts to continue, or questions.
    package static let promptsMax = 1_000_000
    /// Texts of a prompt, and those that are written together.
    package static let samplesMax = 100_000
    package static let batchMax = 4096
    package static let stopsMax = 64
    package static let stopBytesMax = 4096
    /// Of an evaluation: tokens that a model sees at once, and points of a sweep.
    package static let evaluatedLength = 1 << 22
    package static let evaluatedPoints = 1000
    /// Ranks that a matrix is cut over.
    package static let cutsMax = 1024
}
