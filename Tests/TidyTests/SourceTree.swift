import FoundationEssentials

/// One text file of the repository, as the tidy tests read it.
struct SourceFile: Sendable, CustomStringConvertible {
    /// Relative to the repository, such as `Sources/MoltCore/RunFolder.swift`.
    let path: String
    let lines: [Substring]

    var description: String { path }
    /// The folder under `Sources/` or `Tests/`: the module's name.
    var module: String { String(path.split(separator: "/").dropFirst().first ?? "") }
}

enum SourceTree {
    static let root: String = {
        let components = #filePath.split(separator: "/").dropLast(3)
        return "/" + components.joined(separator: "/")
    }()

    /// One file of the repository as it is; nil when it is not there.
    static func text(_ path: String) -> String? {
        FileManager.default.contents(atPath: "\(root)/\(path)").map { String(decoding: $0, as: UTF8.self) }
    }

    /// Every file under `folder` whose name ends in one of `extensions`.
    static func files(under folder: String, extensions: [String]) -> [SourceFile] {
        guard let walker = FileManager.default.enumeratorOfPaths(under: "\(root)/\(folder)") else { return [] }
        return walker.sorted().filter { path in extensions.contains { path.hasSuffix(".\($0)") } }.compactMap { path in
            guard let data = FileManager.default.contents(atPath: "\(root)/\(folder)/\(path)") else { return nil }
            let text = String(decoding: data, as: UTF8.self)
            return SourceFile(
                path: "\(folder)/\(path)", lines: text.split(separator: "\n", omittingEmptySubsequences: false))
        }
    }

    static let swiftSources = files(under: "Sources", extensions: ["swift"])
    static let swiftTests = files(under: "Tests", extensions: ["swift"])
    static let nativeSources = ["Sources", "Plugins"].flatMap {
        files(under: $0, extensions: ["c", "h", "cpp", "hpp", "cu"])
    }
}

extension FileManager {
    /// Relative paths of all regular files below a folder; nil when it does not exist.
    fileprivate func enumeratorOfPaths(under folder: String) -> [String]? {
        try? subpathsOfDirectory(atPath: folder)
    }
}
