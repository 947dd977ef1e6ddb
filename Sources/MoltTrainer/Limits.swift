/// The bounds of this module: everything that could grow has one.
enum Limits {
    /// Seconds between signs of life of a rank that has nothing else to say.
    static let heartbeatSeconds = 10.0
    /// Seconds between looks for the stop file.
    static let stopFileSeconds = 0.5
    /// Bytes copied between two signs of life.
    static let copyBytes = 64 << 20
    /// Names of tensors listed in one message.
    static let namesInMessage = 4
    static let generatedTokensMax = 1_000_000
    /// Seconds that ranks wait for each other at the start, and in an exchange: longer than any save.
    static let collectiveSeconds = 1800
}
