import FoundationEssentials

#if canImport(Glibc)
import Glibc
#endif

/// A value that stands in a file of its owner's, and that recipes, the database and Slurm know by its name only.
///
/// `secret://hf` is `~/.config/molt/secrets/hf`; `secret:///shared/ada/hf` is that file.
package struct SecretReference: Hashable, Sendable {
    /// What follows `secret://`.
    package let name: String

    package static let scheme = "secret://"
    /// What a variable may have at most.
    package static let bytesMax = 32 << 10

    /// Nil when the text is no reference.
    package init?(_ text: String) {
        guard text.hasPrefix(Self.scheme) else { return nil }
        name = String(text.dropFirst(Self.scheme.count))
        let isPlain = name.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F } && name.utf8.count <= 1024
        let isFile = name.hasPrefix("/") && name.count > 1
        guard isPlain, isFile || !name.isEmpty && !name.contains("/") && !name.hasPrefix(".") else { return nil }
    }

    /// Says what is wrong with a text that begins like a reference.
    package static func problem(_ text: String) -> String? {
        guard text.hasPrefix(scheme), SecretReference(text) == nil else { return nil }
        return "'\(DisplayText.escaped(text, limit: 80))' names no secret: write secret://NAME for "
            + "~/.config/molt/secrets/NAME, or secret:///path/of/a/file"
    }

    package func path(home: String) -> String {
        name.hasPrefix("/") ? name : "\(home)/.config/molt/secrets/\(name)"
    }

    /// The file's text without the line end that editors leave; nobody else may be able to read it.
    package func read(home: String) throws(UserError) -> String {
        let path = path(home: home), shown = "the secret '\(DisplayText.escaped(name, limit: 200))'"
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw UserError(
                "\(shown) cannot be read: \(String(cString: strerror(errno)))", at: path,
                fix: "write it into that file, and: chmod 600 \(path)")
        }
        defer { close(descriptor) }
        var info = stat()
        guard fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFREG else {
            throw UserError("\(shown) is no ordinary file", at: path)
        }
        guard info.st_uid == geteuid(), info.st_mode & 0o077 == 0 else {
            throw UserError("\(shown) is not yours alone", at: path, fix: "chmod 600 \(path)")
        }
        var bytes = [UInt8](repeating: 0, count: Self.bytesMax + 2)
        var count = 0
        while count < bytes.count {
            let got = bytes.withUnsafeMutableBytes { buffer in
                Glibc.read(descriptor, buffer.baseAddress.map { $0 + count }, buffer.count - count)
            }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw UserError("\(shown) cannot be read", at: path) }
            guard got > 0 else { break }
            count += got
        }
        if count > 0, bytes[count - 1] == UInt8(ascii: "\n") { count -= 1 }
        guard count > 0 else { throw UserError("\(shown) is empty", at: path) }
        guard count <= Self.bytesMax else {
            throw UserError("\(shown) is longer than \(Self.bytesMax) bytes", at: path)
        }
        guard !bytes[..<count].contains(0), let text = String(validating: bytes[..<count], as: UTF8.self) else {
            throw UserError("\(shown) is not text", at: path)
        }
        return text
    }

    /// Variables with the values that they refer to.
    package static func resolved(
        _ variables: [String: String], home: String
    ) throws(UserError) -> [String: String] {
        var result = variables
        for (name, value) in variables {
            if let reference = SecretReference(value) { result[name] = try reference.read(home: home) }
        }
        return result
    }
}
