/// The bounds of this module: everything that could grow has one.
enum Limits {
    /// Of a turn of a conversation, beside its role and its content.
    static let messageMembersMax = 64
    /// A JSONL line longer than this is refused by name rather than read.
    static let lineBytesMax = 256 << 20
    /// Nesting of a JSONL line.
    static let nestingMax = 64
    /// Files of one `data:` list, folders and globs expanded.
    static let filesMax = 1_000_000
    /// Folders inside folders.
    static let folderDepthMax = 16
    /// A number in a JSON line is no longer than this.
    static let scalarBytesMax = 4096
    /// Tokens converted at once on their way into a shard.
    static let tokensAtOnce = 1 << 18
    /// A line of `molt data prepare` is malformed when it is longer, unless asked otherwise; and never more than that.
    static let preparedLineBytesMax = 64 << 20
    static let lineBytesCeiling = 1 << 30
    /// Documents above this are worked on one at a time.
    static let longDocumentBytes = 4 << 20
    /// Bytes of input in a unit of preparation, and how many units there should be.
    static let unitBytesMin = 1 << 22
    static let unitBytesMax = 1 << 26
    static let unitsWanted = 1024
    /// Tokens after which the next unit begins a new shard.
    static let shardTokens = 1 << 28
    /// Hashes compared at once: 40 bytes each.
    static let hashesAtOnce = 1 << 22
    /// Turns after which the order of a blend's sources begins anew.
    static let blendTurns = 1 << 16
    /// Malformed lines that a report shows.
    static let examplesOfBadLines = 10
    static let threadsMax = 4096
    static let lookForOthersMicroseconds: UInt32 = 200_000
    static let sharesMax = 1_000_000
    /// Between counts of the units that are done.
    static let tallyInterval = Duration.seconds(1)
    /// After which the holder of a rank's lock is taken for dead, on a node that took its lock along.
    static let lockPatience = Duration.seconds(120)
    /// Bytes read at once while a file is indexed.
    static let blockBytes = 1 << 20
}
