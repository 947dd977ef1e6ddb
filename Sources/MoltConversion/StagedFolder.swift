import FoundationEssentials
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// A folder that is there whole or not at all: written under a name of its own beside the place, renamed when done.
package enum StagedFolder {
    /// - Parameter fill: writes into the folder that it is given; what it throws leaves nothing behind.
    package static func make<Result>(_ path: String, _ fill: (String) throws -> Result) throws -> Result {
        let path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        try refuseTaken(path)
        let temporary = "\(path).tmp-\(getpid())-\(UInt32.random(in: .min ... .max))"
        do {
            try DurableFile.makeFolder(temporary)
            let result = try fill(temporary)
            try DurableFile.syncFolder(of: "\(temporary)/.")
            try refuseTaken(path)
            guard rename(temporary, path) == 0 else { throw FileError("rename to", path) }
            try DurableFile.syncFolder(of: path)
            return result
        } catch {
            try? FileManager.default.removeItem(atPath: temporary)
            throw error
        }
    }

    /// The same for one file.
    package static func makeFile<Result>(_ path: String, _ fill: (String) throws -> Result) throws -> Result {
        try refuseTaken(path)
        let temporary = "\(path).tmp-\(getpid())-\(UInt32.random(in: .min ... .max))"
        defer { try? FileManager.default.removeItem(atPath: temporary) }
        try DurableFile.makeFolder(temporary)
        let file = "\(temporary)/file"
        let result = try fill(file)
        try refuseTaken(path)
        guard rename(file, path) == 0 else { throw FileError("rename to", path) }
        try DurableFile.syncFolder(of: path)
        return result
    }

    private static func refuseTaken(_ path: String) throws(UserError) {
        var status = stat()
        guard lstat(path, &status) != 0 else {
            throw UserError("it is there already", at: path, fix: "name another folder, or remove this one")
        }
    }

    /// Moves what a folder inside holds into the folder itself.
    package static func lift(_ inner: String, to folder: String) throws {
        for name in try CheckpointFolder(path: inner).entries() {
            guard rename("\(inner)/\(name)", "\(folder)/\(name)") == 0 else {
                throw FileError("move", "\(inner)/\(name)")
            }
        }
        guard rmdir(inner) == 0 else { throw FileError("delete", inner) }
    }
}
