package import MoltCore

/// Quoting for `#SBATCH` lines, whose grammar is sbatch's own and not a shell's:
/// both quotes group, a backslash escapes the next character even inside quotes, a bare `#` ends the line,
/// and the words `hetjob` and `packjob` mean something anywhere in the line.
package enum DirectiveQuoting {
    /// sbatch's buffer for one argument has 8192 bytes.
    package static let lengthMax = 4096

    /// `--name=value`, such that sbatch reads back exactly `value`.
    package static func directive(_ name: String, _ value: String) throws(UserError) -> String {
        guard value.utf8.count <= lengthMax else {
            throw UserError("the value of --\(name) has \(value.utf8.count) bytes; sbatch reads at most \(lengthMax)")
        }
        guard !value.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else {
            throw UserError("the value of --\(name) contains a control character: '\(DisplayText.escaped(value))'")
        }
        return "--\(name)=" + quote(value)
    }

    static func quote(_ value: String) -> String {
        let isPlain = !value.isEmpty && value.utf8.allSatisfy { byte in
            byte >= 0x30 && byte <= 0x39 || byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A
                || "_./:,@%+=-".utf8.contains(byte)
        }
        var text = ""
        if isPlain {
            text = value
        } else {
            text = "\""
            for scalar in value.unicodeScalars {
                if scalar == "\"" || scalar == "\\" { text += "\\" }
                text.unicodeScalars.append(scalar)
            }
            text += "\""
        }
        // A backslash before an ordinary letter changes nothing but hides the word.
        return text.replacing("hetjob", with: "het\\job").replacing("packjob", with: "pack\\job")
    }
}
