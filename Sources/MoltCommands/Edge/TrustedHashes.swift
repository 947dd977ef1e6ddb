import FoundationEssentials
package import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// Hashes of other people's recipes and programs that this user agreed to run: `~/.config/molt/trusted`, a line each.
package struct TrustedHashes: Sendable {
    package let path: String
    /// Older ones are asked about again.
    private static let linesMax = 10_000
    private static let bytesMax = 16 << 20

    package init(path: String) {
        self.path = path
    }

    static func standard(_ environment: [String: String] = ProcessInfo.processInfo.environment) -> TrustedHashes {
        let chosen = environment["XDG_CONFIG_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
        return TrustedHashes(path: "\(chosen ?? (environment["HOME"] ?? "/") + "/.config")/molt/trusted")
    }

    package func holds(_ hash: String) -> Bool {
        lines().contains { $0.prefix { $0 != " " } == hash }
    }

    package func add(_ hash: String, _ about: String) throws(UserError) {
        guard !holds(hash) else { return }
        let lines = lines().suffix(Self.linesMax - 1) + ["\(hash) \(DisplayText.escaped(about, limit: 400))"]
        do throws(FileError) {
            try DurableFile.makeFolder(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
            try DurableFile.write(Data(lines.map { $0 + "\n" }.joined().utf8), to: path)
        } catch {
            throw UserError("cannot note what you agreed to: \(error)", at: path)
        }
    }

    /// None of a file that others may have written.
    private func lines() -> [String] {
        var status = stat()
        guard stat(path, &status) == 0, status.st_uid == getuid(), status.st_mode & (S_IWGRP | S_IWOTH) == 0,
            let data = try? DurableFile.read(path, limit: Self.bytesMax)
        else { return [] }
        return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
