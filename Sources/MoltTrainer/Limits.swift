/// The bounds of this module: everything that could grow has one.
enum Limits {
    /// Seconds between signs of life of a rank that has nothing else to say.
    static let heartbeatSeconds = 10.0
    /// Seconds between the steps that a preparation tells of.
    static let stepSeconds = 1.0
    /// Seconds between looks for the stop file.
    static let stopFileSeconds = 0.5
    /// Seconds between readings of the deadline's file.
    static let deadlineFileSeconds = 5.0
    /// Seconds after a suspension in which the deadline of before is not believed: `molt-job` asks for the new one.
    static let deadlineDoubtSeconds = 30.0
    /// A longer pause between two looks may be a suspension; so many microseconds later its signal has been heard.
    static let longPauseSeconds = 5.0
    static let signalMicroseconds: UInt32 = 1000
    /// Bytes copied between two signs of life.
    static let copyBytes = 64 << 20
    /// Names of tensors listed in one message.
    static let namesInMessage = 4
    /// Made sequences until an epoch of the data counts one further.
    static let syntheticSamples = 1 << 24
    /// Bytes of a shard of an imported checkpoint, and of a tokenizer's file.
    static let importedShardBytes = 4 << 30
    static let tokenizerBytesMax = 256 << 20
    /// Of a file of texts to continue, and of one of texts that were generated.
    static let templateBytesMax = 4 << 20
    static let generatedTokensMax = 1_000_000
    /// Of one call: texts to continue, their bytes in a file, and bytes of one line of it.
    static let promptsMax = 1_000_000
    static let promptFileBytes = 1 << 30
    static let generatedBytesMax = 16 << 30
    /// Of an evaluation: tokens of one forward pass, padding included, and positions whose scores are made at once.
    static let scoredTokens = 16_384
    static let scoredPositions = 512
    /// Of a report, in one message.
    static let pointsInMessage = 8
    /// Made sequences a point, unless told otherwise.
    static let lookupSamples = 100
    static let needleSamples = 20
    static let haystackLines = 100_000
    /// Tokens of such a line; longer ones are taken as several.
    static let haystackLine = 64
    static let samplesMax = 100_000
    static let batchMax = 4096
    static let stopsMax = 64
    static let stopBytesMax = 4096
    /// Seconds that ranks wait for each other at the start, and in an exchange: longer than any save.
    static let collectiveSeconds = 1800
    /// Seconds between lines of progress where they cannot be written over.
    static let plainProgressSeconds = 15.0
}
