/// The bounds of this module: everything that could grow has one.
enum Limits {
    /// Bytes of config.json, and of other JSON beside weights.
    static let configBytesMax = 16 << 20
    /// Bytes of an index of shards, and of a tokenizer's file.
    static let indexBytesMax = 256 << 20
    static let tokenizerBytesMax = 256 << 20
    /// Any size of a model; products of two still fit.
    static let sizeMax = 1 << 30
    static let layersMax = 4096
    static let shardsMax = 10_000
    /// Bytes of an exported shard, unless told otherwise.
    static let shardBytes = 5 << 30
    /// Names of tensors listed in one message.
    static let namesInMessage = 4
    /// Rows, and tokens of one row, whose scores are asked for at once.
    static let rowsMax = 65_536
    static let rowTokensMax = 1 << 24
    static let tokensFileBytesMax = 1 << 30

    // MARK: Pickles and the archives around them

    static let cursorBlockBytes = 1 << 18
    static let pickleBytesMax = 512 << 20
    static let writeBytes = 8 << 20
    static let pickleTextMax = 64 << 20
    static let pickleNameMax = 512
    static let pickleValuesMax = 16_000_000
    static let pickleMarksMax = 100_000
    static let dimensionsMax = 16
    /// Parts of one tensor in a distributed checkpoint; each is compared with each.
    static let chunksMax = 4096
    /// Files in an archive, and bytes of its table of contents.
    static let archiveEntriesMax = 1_000_000
    static let archiveTableBytesMax = 256 << 20
    /// Bytes of a name in a tar archive that its header has no room for, and of a header's further fields.
    static let archiveNameBytesMax = 4096
    static let archiveFieldsBytesMax = 1 << 20
}
