/// The fields of a message in Protocol Buffers' wire format, without a schema.
package struct Protobuf {
    package enum Value {
        case varint(UInt64)
        case fixed32(UInt32)
        case bytes(ArraySlice<UInt8>)
        /// Of 64 bits: SentencePiece's files have none that matter here.
        case fixed64
    }

    private var rest: ArraySlice<UInt8>
    private let file: String

    package init(_ bytes: ArraySlice<UInt8>, file: String) {
        rest = bytes
        self.file = file
    }

    private var damaged: UserError {
        UserError("the file is damaged at byte \(rest.startIndex)", at: file, fix: "fetch the file again")
    }

    /// The next field's number and value; nil at the end.
    package mutating func next() throws(UserError) -> (field: UInt64, value: Value)? {
        guard !rest.isEmpty else { return nil }
        let key = try varint()
        switch key & 7 {
        case 0: return (key >> 3, .varint(try varint()))
        case 1:
            _ = try take(8)
            return (key >> 3, .fixed64)
        case 2:
            guard let count = Int(exactly: try varint()) else { throw damaged }
            return (key >> 3, .bytes(try take(count)))
        case 5:
            let bytes = try take(4)
            return (key >> 3, .fixed32(bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }))
        default: throw damaged
        }
    }

    private mutating func take(_ count: Int) throws(UserError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= rest.count else { throw damaged }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    private mutating func varint() throws(UserError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while let byte = rest.first, shift < 64 {
            rest = rest.dropFirst()
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        throw damaged
    }
}
