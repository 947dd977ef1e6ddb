import MoltCore

/// A tar archive that is not compressed. Nothing is unpacked: its members are read where they lie.
struct TarArchive {
    /// By their names, without `./` at the start.
    private(set) var members: [String: FileSlice] = [:]

    /// What a header before the next one says of that.
    private struct Pending {
        var name: [UInt8]?
        var size: Int?
    }

    /// Whether a file begins like one.
    static func isOne(_ slice: FileSlice) throws -> Bool {
        try slice.count >= TarHeader.bytes && TarHeader(slice.read(at: 0, count: TarHeader.bytes)) != nil
    }

    static func isGzip(_ slice: FileSlice) throws -> Bool {
        try slice.count >= 2 && slice.read(at: 0, count: 2) == [0x1F, 0x8B]
    }

    init(_ slice: FileSlice) throws {
        var position = 0
        var pending = Pending()
        var headers = 0
        while true {
            guard position <= slice.count - TarHeader.bytes else {
                throw Self.flaw(slice, "it ends before its end is marked")
            }
            let block = try slice.read(at: position, count: TarHeader.bytes)
            if block.allSatisfy({ $0 == 0 }) { break }
            guard let header = TarHeader(block) else {
                throw Self.flaw(slice, "the checksum of the header at byte \(position) is wrong")
            }
            headers += 1
            guard headers <= Limits.archiveEntriesMax else {
                throw Self.flaw(slice, "it has more than \(Limits.archiveEntriesMax) members")
            }
            position += TarHeader.bytes
            let isMember = header.kind == .file || header.kind == .folder
            let size = isMember ? pending.size ?? header.size : header.size
            guard let contents = slice.slice(at: position, count: header.kind == .folder ? 0 : size) else {
                throw Self.flaw(slice, "the member '\(Self.shown(pending.name ?? header.name))' ends after it")
            }
            try take(header, contents, &pending, of: slice)
            position += (contents.count + TarHeader.bytes - 1) / TarHeader.bytes * TarHeader.bytes
        }
    }

    private mutating func take(
        _ header: TarHeader, _ contents: FileSlice, _ pending: inout Pending, of slice: FileSlice
    ) throws {
        switch header.kind {
        case .file, .folder:
            let name = try Self.name(pending.name ?? header.name, slice)
            pending = Pending()
            guard header.kind == .file else { return }
            let label = "\(slice.path):\(DisplayText.escaped(name, limit: 200))"
            guard members.updateValue(contents.named(label), forKey: name) == nil else {
                throw Self.flaw(slice, "the member '\(DisplayText.escaped(name, limit: 200))' is there twice")
            }
        case .longName:
            guard contents.count <= Limits.archiveNameBytesMax else {
                throw Self.flaw(slice, "a name of \(contents.count) bytes")
            }
            pending.name = try contents.read(at: 0, count: contents.count).prefix { $0 != 0 }.map { $0 }
        case .fields, .fieldsOfAll:
            guard contents.count <= Limits.archiveFieldsBytesMax else {
                throw Self.flaw(slice, "a header of \(contents.count) bytes")
            }
            let fields = try Self.fields(try contents.read(at: 0, count: contents.count), slice)
            if let sparse = fields.keys.first(where: { $0.hasPrefix("GNU.sparse") }) {
                throw Self.refusal(slice, header.name, "a sparse file (\(DisplayText.escaped(sparse, limit: 60)))")
            }
            let size = try fields["size"].map { try Self.size($0, slice) }
            if header.kind == .fieldsOfAll, fields["path"] != nil || size != nil {
                throw Self.flaw(slice, "a header gives all members one name or size")
            }
            pending.name = fields["path"] ?? pending.name
            pending.size = size ?? pending.size
        case .other(let words): throw Self.refusal(slice, pending.name ?? header.name, words)
        }
    }

    private static func flaw(_ slice: FileSlice, _ reason: String) -> UserError {
        UserError("the archive is damaged: \(reason)", at: slice.path, fix: "is the file whole?")
    }

    private static func refusal(_ slice: FileSlice, _ name: [UInt8], _ words: String) -> UserError {
        UserError(
            "the member '\(shown(name))' is \(words), and a checkpoint's archive holds files and folders",
            at: slice.path)
    }

    private static func shown(_ name: [UInt8]) -> String {
        DisplayText.escaped(String(decoding: name, as: UTF8.self), limit: 200)
    }

    /// Below the archive's root, whatever it is written like.
    private static func name(_ bytes: [UInt8], _ slice: FileSlice) throws(UserError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self), !text.utf8.contains(0) else {
            throw flaw(slice, "the name '\(shown(bytes))' is not UTF-8 text")
        }
        let parts = text.split(separator: "/").filter { $0 != "." }
        guard !text.isEmpty, !text.hasPrefix("/"), !parts.contains("..") else {
            throw UserError(
                "the member '\(shown(bytes))' lies outside the archive's folder", at: slice.path,
                fix: "it was made to do harm: do not unpack it")
        }
        return parts.joined(separator: "/")
    }

    private static func size(_ text: [UInt8], _ slice: FileSlice) throws(UserError) -> Int {
        guard text.allSatisfy({ 0x30...0x39 ~= $0 }), let size = Int(String(decoding: text, as: UTF8.self)) else {
            throw flaw(slice, "the size '\(shown(text))' is no number of bytes")
        }
        return size
    }

    /// `<length> <key>=<value>\n` again and again, where the length counts all of it. Of equal keys the last counts.
    private static func fields(_ bytes: [UInt8], _ slice: FileSlice) throws(UserError) -> [String: [UInt8]] {
        var fields: [String: [UInt8]] = [:]
        var rest = bytes[...]
        while let first = rest.first, first != 0 {
            let digits = rest.prefix { 0x30...0x39 ~= $0 }
            guard digits.count <= 9, let length = Int(String(decoding: digits, as: UTF8.self)),
                length > digits.count + 2, length <= rest.count
            else { throw flaw(slice, "the length of a field is wrong") }
            let record = rest.prefix(length)
            guard record.dropFirst(digits.count).first == 0x20, record.last == 0x0A,
                let equals = record.firstIndex(of: UInt8(ascii: "="))
            else { throw flaw(slice, "a field has no key or no end") }
            let key = String(decoding: record[(record.startIndex + digits.count + 1)..<equals], as: UTF8.self)
            fields[key] = Array(record[(equals + 1)...].dropLast())
            rest = rest.dropFirst(length)
        }
        return fields
    }
}
