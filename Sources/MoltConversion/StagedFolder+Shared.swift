import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// What is meant to be handed on: open to those whom the user's umask, or the folder's access list, lets in. It stays
/// private until it is whole.
extension StagedFolder {
    /// Like `make`, with the permissions that any program of the user's gives to folders (0777) and files (0666).
    package static func makeShared<Result>(_ path: String, _ fill: (String) throws -> Result) throws -> Result {
        try makeParents(of: path)
        return try make(path) { staged in
            let result = try fill(staged)
            try open(staged, as: folderMode(in: staged))
            return result
        }
    }

    /// The same for one file.
    package static func makeSharedFile<Result>(_ path: String, _ fill: (String) throws -> Result) throws -> Result {
        try makeParents(of: path)
        return try makeFile(path) { file in
            let result = try fill(file)
            let folder = file.lastIndex(of: "/").map { String(file[..<$0]) } ?? "."
            try setMode(file, folderMode(in: folder) & 0o666)
            return result
        }
    }

    private static func makeParents(of path: String) throws(FileError) {
        let bare = path.hasSuffix("/") ? path.dropLast() : path[...]
        guard let slash = bare.lastIndex(of: "/"), slash > bare.startIndex else { return }
        let parent = String(bare[..<slash])
        var status = stat()
        guard lstat(parent, &status) != 0 else { return }
        try makeParents(of: parent)
        guard mkdir(parent, 0o777) == 0 || errno == EEXIST else { throw FileError("create folder", parent) }
    }

    /// What the system makes of 0777 for a new folder here. The umask itself can be read only by changing it, for all
    /// threads, and an access list may stand in its place.
    private static func folderMode(in folder: String) throws(FileError) -> mode_t {
        let probe = "\(folder)/.tmp-mode"
        guard mkdir(probe, 0o777) == 0 else { throw FileError("create folder", probe) }
        defer { rmdir(probe) }
        var status = stat()
        guard lstat(probe, &status) == 0 else { throw FileError("look at", probe) }
        return status.st_mode & 0o7777
    }

    /// Files first: nobody can look in before all of them are open.
    private static func open(_ folder: String, as mode: mode_t) throws {
        for name in try CheckpointFolder(path: folder).entries() {
            let path = "\(folder)/\(name)"
            var status = stat()
            guard lstat(path, &status) == 0 else { throw FileError("look at", path) }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: try open(path, as: mode)
            case S_IFREG: try setMode(path, mode & 0o666)
            default: continue
            }
        }
        try setMode(folder, mode)
    }

    private static func setMode(_ path: String, _ mode: mode_t) throws(FileError) {
        guard chmod(path, mode) == 0 else { throw FileError("change the permissions of", path) }
    }
}
