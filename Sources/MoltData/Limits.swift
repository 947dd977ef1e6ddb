/// The bounds of this module: everything that could grow has one.
enum Limits {
    /// A JSONL line longer than this is refused by name rather than read.
    static let lineBytesMax = 256 << 20
    /// Nesting of a JSONL line.
    static let nestingMax = 64
    /// Files of one `data:` list, folders and globs expanded.
    static let filesMax = 1_000_000
    /// Folders inside folders.
    static let folderDepthMax = 16
    /// Bytes read at once while a file is indexed.
    static let blockBytes = 1 << 20
}
