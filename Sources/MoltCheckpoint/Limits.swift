/// The bounds of this module: everything that could grow has one.
enum Limits {
    /// Bytes of a safetensors header; the format's own limit.
    static let headerBytesMax = 100_000_000
    static let dimensionsMax = 16
    static let nameBytesMax = 1024
    /// Tensors go into a new shard once the current one holds this much.
    static let shardBytes = 4 << 30
    /// Bytes handed to one write(2).
    static let writeBytes = 8 << 20
}
