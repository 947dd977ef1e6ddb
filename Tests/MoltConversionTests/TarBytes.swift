import FoundationEssentials
import MoltCore

/// A tar archive laid out by hand, as POSIX.1 says, with whatever fields a test wants in it.
struct TarBytes {
    private(set) var bytes: [UInt8] = []

    /// - Parameters:
    ///   - size: the field, where it is not that of the contents.
    ///   - spoil: what is done to a header after its checksum was computed.
    mutating func add(
        _ name: String, _ contents: [UInt8] = [], type: Character = "0", size: [UInt8]? = nil,
        link: String = "", spoil: (inout [UInt8]) -> Void = { _ in }
    ) {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: [UInt8], at place: Int) { header.replaceSubrange(place..<(place + text.count), with: text) }
        put(Array(name.utf8.prefix(100)), at: 0)
        put(Array("0000644\0".utf8), at: 100)
        put(size ?? Array(Self.octal(contents.count, 11).utf8), at: 124)
        put(Array(String(type).utf8), at: 156)
        put(Array(link.utf8), at: 157)
        put(Array("ustar\u{0}00".utf8), at: 257)
        put([UInt8](repeating: 0x20, count: 8), at: 148)
        put(Array((Self.octal(header.reduce(0) { $0 + Int($1) }, 6) + "\0 ").utf8), at: 148)
        spoil(&header)
        bytes += header + contents + [UInt8](repeating: 0, count: (512 - contents.count % 512) % 512)
    }

    /// What a further header says of the next member.
    mutating func addFields(_ fields: [(String, String)], type: Character = "x") {
        add("PaxHeader", Array(fields.map { Self.field($0.0, $0.1) }.joined().utf8), type: type)
    }

    mutating func end() { bytes += [UInt8](repeating: 0, count: 1024) }

    private static func field(_ key: String, _ value: String) -> String {
        let rest = " \(key)=\(value)\n"
        var length = rest.utf8.count
        while "\(length)\(rest)".utf8.count != length { length = "\(length)\(rest)".utf8.count }
        return "\(length)\(rest)"
    }

    static func octal(_ number: Int, _ digits: Int) -> String {
        let text = String(number, radix: 8)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }
}

extension TarBytes {
    /// The members of a model that loads, without the end of an archive.
    static func ofModel() throws -> TarBytes {
        let root = try Exchange.written.get() + "/nemo/plain"
        var tar = TarBytes()
        tar.add("./", type: "5")
        for name in try FileManager.default.contentsOfDirectory(atPath: root).sorted() {
            if name.utf8.count > 100 { tar.addFields([("path", "./" + name)]) }
            tar.add(name, Array(try DurableFile.read("\(root)/\(name)")))
        }
        return tar
    }
}
