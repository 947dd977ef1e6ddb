import MoltCore

/// A header of a tar archive, as POSIX.1 describes it (ustar), with GNU's sizes beyond 8 GB.
struct TarHeader {
    enum Kind: Equatable {
        case file
        case folder
        /// The contents are the name of the next member (GNU).
        case longName
        /// The contents are fields of the next member, or of all that follow (POSIX.1-2001).
        case fields
        case fieldsOfAll
        /// Nothing that a checkpoint has; in words.
        case other(String)
    }

    static let bytes = 512

    let name: [UInt8]
    let size: Int
    let kind: Kind

    /// Nil when the checksum is not that of the header, which it is of no other bytes but by chance.
    init?(_ block: [UInt8]) {
        guard block.count == Self.bytes, let sum = Self.octal(block[148..<156]) else { return nil }
        let blank = 8 * Int(UInt8(ascii: " "))
        let others = Array(block[..<148] + block[156...])
        // Old programs summed signed bytes.
        guard
            sum == others.reduce(blank, { $0 + Int($1) })
                || sum == others.reduce(blank, { $0 + Int(Int8(bitPattern: $1)) }),
            let size = Self.number(block[124..<136])
        else { return nil }
        self.size = size
        let short = Self.text(block[0..<100])
        let isPOSIX = Array(block[257..<263]) == Array("ustar\0".utf8)
        let prefix = isPOSIX ? Self.text(block[345..<500]) : []
        name = prefix.isEmpty ? short : prefix + [UInt8(ascii: "/")] + short
        kind = Self.kind(block[156], isFolder: short.last == UInt8(ascii: "/"))
    }

    private static func kind(_ letter: UInt8, isFolder: Bool) -> Kind {
        switch letter {
        case 0, UInt8(ascii: "0"): isFolder ? .folder : .file
        case UInt8(ascii: "7"): .file
        case UInt8(ascii: "5"): .folder
        case UInt8(ascii: "L"): .longName
        case UInt8(ascii: "x"): .fields
        case UInt8(ascii: "g"): .fieldsOfAll
        case UInt8(ascii: "1"): .other("a hard link")
        case UInt8(ascii: "2"): .other("a symbolic link")
        case UInt8(ascii: "K"): .other("a link with a long name")
        case UInt8(ascii: "3"), UInt8(ascii: "4"): .other("a device")
        case UInt8(ascii: "6"): .other("a pipe")
        case UInt8(ascii: "S"): .other("a sparse file")
        case UInt8(ascii: "M"): .other("a part of a file in several volumes")
        default: .other("of the type \(letter)")
        }
    }

    /// Up to the zero that ends it, where it is shorter than its field.
    private static func text(_ field: ArraySlice<UInt8>) -> [UInt8] { Array(field.prefix { $0 != 0 }) }

    private static func octal(_ field: ArraySlice<UInt8>) -> Int? {
        let digits = field.drop { $0 == 0x20 }.prefix { $0 != 0x20 && $0 != 0 }
        guard digits.count <= 20 else { return nil }
        return digits.isEmpty ? 0 : Int(String(decoding: digits, as: UTF8.self), radix: 8)
    }

    /// Octal digits; or, marked by its first bit, a number in base 256. What no file has becomes the largest number.
    private static func number(_ field: ArraySlice<UInt8>) -> Int? {
        guard let first = field.first, first & 0x80 != 0 else { return octal(field).map { $0 < 0 ? .max : $0 } }
        var number = Int(first & 0x7F)
        for byte in field.dropFirst() {
            guard number <= Int.max >> 8 else { return .max }
            number = number << 8 | Int(byte)
        }
        return number
    }
}
