import MoltCore

/// The members of a zip archive that are stored as they are, which is how torch writes them. Sizes beyond 4 GB (zip64)
/// are read; compressed members are not.
struct ZipArchive {
    let slice: FileSlice
    /// By name.
    let members: [String: FileSlice]

    static func isOne(_ slice: FileSlice) throws -> Bool {
        try slice.count >= 4 && slice.read(at: 0, count: 4) == [0x50, 0x4B, 3, 4]
    }

    private struct Ending {
        var entries: Int
        var tableAt: Int
        var tableBytes: Int
    }

    init(_ slice: FileSlice) throws {
        self.slice = slice
        let ending = try Self.ending(slice)
        guard ending.entries <= Limits.archiveEntriesMax, ending.tableBytes <= Limits.archiveTableBytesMax,
            let table = slice.slice(at: ending.tableAt, count: ending.tableBytes)
        else { throw Self.flaw(slice, "its table of contents lies outside it") }
        var cursor = ByteCursor(table)
        var members: [String: FileSlice] = [:]
        for _ in 0..<ending.entries {
            let (name, member) = try Self.member(&cursor, slice)
            guard members.updateValue(member, forKey: name) == nil else {
                throw Self.flaw(slice, "the member '\(DisplayText.escaped(name, limit: 200))' is there twice")
            }
        }
        self.members = members
    }

    static func flaw(_ slice: FileSlice, _ reason: String) -> UserError {
        UserError("the archive is damaged: \(reason)", at: slice.path, fix: "is the file whole?")
    }

    /// The record at the end, behind a comment of at most 64 KiB; and its larger form, where a number did not fit.
    private static func ending(_ slice: FileSlice) throws -> Ending {
        let count = min(slice.count, 22 + 0xFFFF)
        let start = slice.count - count
        let tail = try slice.read(at: start, count: count)
        guard count >= 22,
            let at = stride(from: count - 22, through: 0, by: -1).first(where: {
                tail[$0] == 0x50 && tail[$0 + 1] == 0x4B && tail[$0 + 2] == 5 && tail[$0 + 3] == 6
            })
        else { throw flaw(slice, "it has no end") }
        func number(_ offset: Int, _ bytes: Int) -> Int {
            tail[(at + offset)..<(at + offset + bytes)].reversed().reduce(0) { $0 << 8 | Int($1) }
        }
        var ending = Ending(entries: number(10, 2), tableAt: number(16, 4), tableBytes: number(12, 4))
        guard ending.entries == 0xFFFF || ending.tableAt == 0xFFFF_FFFF || ending.tableBytes == 0xFFFF_FFFF,
            start + at >= 20
        else { return ending }
        var locator = ByteCursor(slice, at: start + at - 20)
        guard try locator.number(bytes: 4) == 0x0706_4B50 else { return ending }
        _ = try locator.number(bytes: 4)
        var record = ByteCursor(slice, at: try place(locator.number(bytes: 8), slice))
        guard try record.number(bytes: 4) == 0x0606_4B50 else { throw flaw(slice, "its larger end is not there") }
        _ = try record.take(28)
        ending.entries = try place(record.number(bytes: 8), slice)
        ending.tableBytes = try place(record.number(bytes: 8), slice)
        ending.tableAt = try place(record.number(bytes: 8), slice)
        return ending
    }

    /// A number that counts bytes of this file.
    private static func place(_ number: UInt64, _ slice: FileSlice) throws(UserError) -> Int {
        guard number <= UInt64(slice.count) else { throw flaw(slice, "a place outside it") }
        return Int(number)
    }

    private static func member(_ cursor: inout ByteCursor, _ slice: FileSlice) throws -> (String, FileSlice) {
        guard try cursor.number(bytes: 4) == 0x0201_4B50 else {
            throw flaw(slice, "its table of contents ends early")
        }
        _ = try cursor.take(4)
        let flags = try cursor.number(bytes: 2)
        let method = try cursor.number(bytes: 2)
        _ = try cursor.take(8)
        var packed = try cursor.number(bytes: 4)
        var size = try cursor.number(bytes: 4)
        let nameBytes = Int(try cursor.number(bytes: 2))
        let extraBytes = Int(try cursor.number(bytes: 2))
        let commentBytes = Int(try cursor.number(bytes: 2))
        _ = try cursor.take(8)
        var at = try cursor.number(bytes: 4)
        let name = String(decoding: try cursor.take(nameBytes), as: UTF8.self)
        let extra = Array(try cursor.take(extraBytes))
        _ = try cursor.take(commentBytes)
        for value in large(extra, size: size, packed: packed, at: at) {
            switch value {
            case .size(let number): size = number
            case .packed(let number): packed = number
            case .at(let number): at = number
            }
        }
        guard method == 0, flags & 1 == 0, packed == size else {
            throw UserError(
                "the member '\(DisplayText.escaped(name, limit: 200))' is compressed or encrypted, and torch stores "
                    + "its tensors as they are", at: slice.path)
        }
        // Names and extra fields of the header before the bytes may be longer than those of the table.
        var local = ByteCursor(slice, at: try place(at, slice))
        guard try local.number(bytes: 4) == 0x0403_4B50 else {
            throw flaw(slice, "a member is not where it should be")
        }
        _ = try local.take(22)
        let skipped = Int(try local.number(bytes: 2)) + Int(try local.number(bytes: 2))
        guard let member = slice.slice(at: local.position + skipped, count: try place(size, slice)) else {
            throw flaw(slice, "the member '\(DisplayText.escaped(name, limit: 200))' lies outside it")
        }
        return (name, member)
    }

    private enum Large {
        case size(UInt64)
        case packed(UInt64)
        case at(UInt64)
    }

    /// The numbers of a zip64 field, which come in this order for those that did not fit.
    private static func large(_ extra: [UInt8], size: UInt64, packed: UInt64, at: UInt64) -> [Large] {
        var index = 0
        while index + 4 <= extra.count {
            let id = Int(extra[index]) | Int(extra[index + 1]) << 8
            let count = Int(extra[index + 2]) | Int(extra[index + 3]) << 8
            let end = min(extra.count, index + 4 + count)
            guard id == 1 else {
                index = end
                continue
            }
            var found: [Large] = []
            var place = index + 4
            func next() -> UInt64? {
                guard place + 8 <= end else { return nil }
                defer { place += 8 }
                return extra[place..<(place + 8)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
            }
            if size == 0xFFFF_FFFF, let number = next() { found.append(.size(number)) }
            if packed == 0xFFFF_FFFF, let number = next() { found.append(.packed(number)) }
            if at == 0xFFFF_FFFF, let number = next() { found.append(.at(number)) }
            return found
        }
        return []
    }
}
