package import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// Expands the paths, folders and globs of a recipe's `data:` into a fixed, sorted list of files.
package enum DataPaths {
    /// - Parameters:
    ///   - excluding: files that a folder or a glob must not contribute (those of the validation set), by `identity`.
    ///     A file that is named outright is always taken.
    /// - Returns: paths sorted within each pattern, each file once even if links lead to it twice.
    package static func resolve(
        _ patterns: [String], key: String, excluding excluded: Set<String> = []
    ) throws(UserError) -> [String] {
        var seen: Set<String> = [], result: [String] = []
        for pattern in patterns {
            let isPlainFile = FileStatus.kind(of: pattern) == .file
            for path in try expand(pattern, key: key) {
                let name = identity(of: path)
                guard isPlainFile || !excluded.contains(name), seen.insert(name).inserted else { continue }
                result.append(path)
            }
        }
        guard result.count <= Limits.filesMax else {
            throw UserError("the data names \(result.count) files", at: key, fix: "join them into fewer files")
        }
        guard !result.isEmpty else {
            throw UserError("no data file is left", at: key, fix: "name at least one file, folder or glob")
        }
        return result
    }

    /// One name per file, whichever links lead to it.
    package static func identity(of path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func expand(_ pattern: String, key: String) throws(UserError) -> [String] {
        switch FileStatus.kind(of: pattern) {
        case .file: return [pattern]
        case .folder:
            let files = try contents(of: pattern, depth: 0)
            guard !files.isEmpty else {
                throw UserError("the folder \(shown(pattern)) has no files", at: key, fix: "name a folder with data")
            }
            return files
        case .other: throw UserError("\(shown(pattern)) is neither a file nor a folder", at: key)
        case nil: break
        }
        let matches = try globbed(pattern)
        guard !matches.isEmpty else {
            let isGlob = pattern.contains { "*?[".contains($0) }
            throw UserError(
                isGlob ? "no file matches \(shown(pattern))" : "the data file \(shown(pattern)) does not exist",
                at: key, fix: "paths are taken from the folder in which the run works; the nodes must see them")
        }
        return matches
    }

    private static func globbed(_ pattern: String) throws(UserError) -> [String] {
        var found = glob_t()
        defer { globfree(&found) }
        guard glob(pattern, 0, nil, &found) == 0, let paths = found.gl_pathv else { return [] }
        var files: [String] = []
        for index in 0..<Int(found.gl_pathc) {
            guard let path = paths[index].map({ String(cString: $0) }) else { continue }
            switch FileStatus.kind(of: path) {
            case .file: files.append(path)
            case .folder: files += try contents(of: path, depth: 0)
            case .other, nil: continue
            }
        }
        return files
    }

    /// Regular files below a folder in sorted order; names that begin with a dot are left out.
    private static func contents(of folder: String, depth: Int) throws(UserError) -> [String] {
        guard depth < Limits.folderDepthMax else { return [] }
        guard let stream = opendir(folder) else {
            throw UserError("cannot read the folder \(shown(folder)): \(String(cString: strerror(errno)))")
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        var files: [String] = []
        for name in names.sorted() {
            let path = folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
            switch FileStatus.kind(of: path) {
            case .file: files.append(path)
            case .folder: files += try contents(of: path, depth: depth + 1)
            case .other, nil: continue
            }
        }
        return files
    }

    private static func shown(_ path: String) -> String { DisplayText.escaped(path) }
}

/// What a path leads to, links followed.
enum FileStatus {
    case file, folder, other

    static func kind(of path: String) -> FileStatus? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return .file
        case S_IFDIR: return .folder
        default: return .other
        }
    }
}
