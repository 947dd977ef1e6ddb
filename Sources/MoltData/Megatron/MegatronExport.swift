import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// Writes documents as `PREFIX.bin` and `PREFIX.idx`, a sequence each: uint16 below 65,500 ids and int32 above, as
/// Megatron's own preprocessing does.
package enum MegatronExport {
    /// - Returns: documents and tokens written.
    @discardableResult
    package static func write(
        _ source: any DocumentSource, prefix: String, vocabulary: Int
    ) throws -> (documents: Int, tokens: Int) {
        for path in [prefix + ".bin", prefix + ".idx"] where FileStatus.kind(of: path) != nil {
            throw UserError("there is something already", at: path, fix: "name another prefix, or remove it")
        }
        let parts = [prefix + ".bin.part", prefix + ".idx.part"]
        do {
            return try write(source, prefix: prefix, parts: parts, isNarrow: vocabulary < 65_500)
        } catch {
            for part in parts { unlink(part) }
            throw error
        }
    }

    private static func write(
        _ source: any DocumentSource, prefix: String, parts: [String], isNarrow: Bool
    ) throws -> (documents: Int, tokens: Int) {
        let data = try OutputFile(path: parts[0], permissions: 0o666)
        var lengths: [Int32] = [], offsets: [Int64] = []
        for (document, shape) in source.shapes.enumerated() {
            offsets.append(Int64(data.position))
            lengths.append(Int32(shape.tokens))
            var at = 0
            while at < shape.tokens {
                let part = try source.tokens(of: document, in: at..<min(at + Limits.tokensAtOnce, shape.tokens))
                at += part.count
                if isNarrow {
                    try data.write(numbers: part.map { UInt16(truncatingIfNeeded: $0) })
                } else {
                    try data.write(numbers: Array(part))
                }
            }
        }
        try data.finish()
        let index = try OutputFile(path: parts[1], permissions: 0o666)
        try index.write(MegatronIndex.magic)
        try index.write(numbers: [UInt64(1)])
        let type = isNarrow ? MegatronIndex.TokenType.uint16 : .int32
        try index.write([type.rawValue])
        try index.write(numbers: [UInt64(lengths.count), UInt64(lengths.count + 1)])
        try index.write(numbers: lengths)
        try index.write(numbers: offsets)
        try index.write(numbers: (0...lengths.count).map(Int64.init))
        try index.finish()
        // The data first: an index without data would look whole.
        try data.commit(as: prefix + ".bin")
        try index.commit(as: prefix + ".idx")
        return (lengths.count, source.tokenCount)
    }
}
