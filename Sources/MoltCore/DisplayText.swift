/// Makes text from elsewhere (job names of other users, logs, file names) safe to print on a terminal.
package enum DisplayText {
    /// Control characters, escape sequences and direction overrides become visible `\u{…}` escapes.
    package static func escaped(_ text: String, limit: Int = 4096) -> String {
        var result = ""
        for scalar in text.unicodeScalars.prefix(limit) {
            switch scalar.value {
            case 0x0A: result += "\\n"
            case 0x09: result += "\\t"
            case 0..<0x20, 0x7F..<0xA0, 0x200B...0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF:
                result += "\\u{\(String(scalar.value, radix: 16))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
