/// A scalar of a JSON object, kept to compare it with what a filter wants.
enum FieldValue: Equatable {
    case text(String)
    /// A number, `true`, `false` or `null`, as it is written.
    case plain(String)

    /// Consumes the value at the cursor, and keeps the scalars in it whose dotted names are wanted.
    static func read(
        _ name: String, _ reader: inout JSONReader, _ wanted: Set<String>, _ fields: inout [String: FieldValue],
        depth: Int
    ) throws(LineProblem) {
        let isWanted = wanted.contains(name)
        guard isWanted || wanted.contains(where: { $0.hasPrefix(name + ".") }) else {
            return try reader.skipValue(depth: depth)
        }
        switch try reader.peek() {
        case UInt8(ascii: "\"") where isWanted:
            fields[name] = .text(String(decoding: try reader.string(), as: UTF8.self))
        case UInt8(ascii: "{") where depth < Limits.nestingMax:
            var inner: [String: FieldValue] = [:]
            try reader.object("an object") { (reader, key, _) throws(LineProblem) in
                try read("\(name).\(key)", &reader, wanted, &inner, depth: depth + 1)
            }
            fields.merge(inner) { old, _ in old }
        case UInt8(ascii: "["), UInt8(ascii: "{"), UInt8(ascii: "\""): try reader.skipValue(depth: depth)
        default:
            let word = try reader.scalar()
            if isWanted { fields[name] = .plain(word) }
        }
    }
}
