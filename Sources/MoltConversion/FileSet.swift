import FoundationEssentials
import MoltCheckpoint
import MoltCore

/// Files by their names below a place: a folder's, or those of an archive, which are read where they lie in it.
struct FileSet {
    /// What a user named, for messages.
    let place: String
    /// Of the files of an archive, by path in it; nil for a folder.
    private let members: [String: FileSlice]?
    /// What goes before the names given here: empty, or a path that ends with a slash.
    private let prefix: String

    init(folder: String) {
        (place, members, prefix) = (folder, nil, "")
    }

    init(archive place: String, _ members: [String: FileSlice]) {
        (self.place, self.members, prefix) = (place, members, "")
    }

    private init(_ whole: FileSet, prefix: String) {
        (place, members, self.prefix) = (whole.place, whole.members, prefix)
    }

    func below(_ folder: String) -> FileSet { FileSet(self, prefix: "\(prefix)\(folder)/") }

    /// Nil when there is no such file.
    func open(_ name: String) throws(FileError) -> FileSlice? {
        if let members { return members[prefix + name] }
        let path = "\(place)/\(prefix)\(name)"
        return FileManager.default.fileExists(atPath: path) ? try FileSlice(path: path) : nil
    }

    /// What lies directly in it, files and folders.
    func entries() throws(FileError) -> Set<String> {
        guard let members else { return Set(try CheckpointFolder(path: path("")).entries()) }
        return Set(
            members.keys.filter { $0.hasPrefix(prefix) }.compactMap {
                $0.dropFirst(prefix.count).split(separator: "/").first.map(String.init)
            })
    }

    /// How messages name a file of it.
    func path(_ name: String) -> String {
        let inner = name.isEmpty ? String(prefix.dropLast()) : prefix + name
        if inner.isEmpty { return place }
        return members == nil ? "\(place)/\(inner)" : "\(place):\(DisplayText.escaped(inner, limit: 200))"
    }
}
