import Mustache

/// Quoting for a POSIX shell.
package enum ShellQuoting {
    /// One word that the shell reads back as exactly `text`. NUL cannot be in a word at all; it is left out.
    package static func quote(_ text: String) -> String {
        let isPlain = !text.isEmpty && text.utf8.allSatisfy { byte in
            byte >= 0x30 && byte <= 0x39 || byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A
                || "_./:,@%+-".utf8.contains(byte)
        }
        if isPlain { return text }
        var quoted = "'"
        for scalar in text.unicodeScalars where scalar.value != 0 {
            if scalar == "'" { quoted += "'\\''" } else { quoted.unicodeScalars.append(scalar) }
        }
        return quoted + "'"
    }
}

/// The content type of our templates: `{{value}}` is quoted, `{{{value}}}` is not.
struct ShellContentType: MustacheContentType {
    func escapeText(_ text: String) -> String { ShellQuoting.quote(text) }

    static let name = "SHELL"

    /// Registered before the first template is parsed.
    static let register: Void = MustacheContentTypes.register(ShellContentType(), named: name)
}
