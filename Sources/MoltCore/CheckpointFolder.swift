import FoundationEssentials

#if canImport(Glibc)
import Glibc
#endif

/// Why a checkpoint is not to be trusted; names the file.
package enum CheckpointProblem: Error, Equatable, Sendable, CustomStringConvertible {
    case unreadable(FileError)
    case badManifest(path: String, reason: String)
    /// The manifest is that of another step or epoch.
    case misplaced(path: String, found: CheckpointName)
    case wrongSize(path: String, expected: Int, found: Int)
    case wrongHash(path: String)

    package var description: String {
        switch self {
        case .unreadable(let error): error.description
        case .badManifest(let path, let reason): "\(path): \(reason)"
        case .misplaced(let path, let found): "\(path): it is the manifest of \(found)"
        case .wrongSize(let path, let expected, let found):
            "\(path): \(found) bytes where the manifest says \(expected)"
        case .wrongHash(let path): "\(path): its SHA-256 is not the manifest's"
        }
    }
}

/// The folder `checkpoints/` of a run: what is committed there, and whether it is whole. Needs no tensors.
package struct CheckpointFolder: Hashable, Sendable {
    package let path: String

    package init(path: String) {
        self.path = path
    }

    package func folder(of name: CheckpointName) -> String { "\(path)/\(name)" }

    /// Names of the committed checkpoints, oldest first; unfinished and deleted ones have other names.
    package func names() throws(FileError) -> [CheckpointName] {
        try entries().compactMap(CheckpointName.init(parsing:)).sorted()
    }

    /// Every name in the folder, sorted; none when the folder does not exist.
    package func entries() throws(FileError) -> [String] {
        guard let stream = opendir(path) else {
            if errno == ENOENT { return [] }
            throw FileError("read folder", path)
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// The manifest of a checkpoint whose files are as it says.
    ///
    /// - Parameters:
    ///   - contents: false compares sizes only, which costs no reading.
    ///   - beat: called again and again while files are read.
    package func verify(
        _ name: CheckpointName, contents: Bool = true, beat: () -> Void = {}
    ) throws(CheckpointProblem) -> CheckpointManifest {
        let folder = folder(of: name)
        let manifest = try Self.manifest(of: folder)
        let found = CheckpointName(step: manifest.step, epoch: manifest.epoch)
        guard found == name else {
            throw .misplaced(path: "\(folder)/\(CheckpointManifest.fileName)", found: found)
        }
        try Self.check(manifest.files, in: folder, contents: contents, beat)
        return manifest
    }

    /// The same for a checkpoint folder that may have any name, such as a copy.
    package static func verify(
        folder: String, contents: Bool = true, beat: () -> Void = {}
    ) throws(CheckpointProblem) -> CheckpointManifest {
        let manifest = try manifest(of: folder)
        try check(manifest.files, in: folder, contents: contents, beat)
        return manifest
    }

    private static func check(
        _ files: [CheckpointManifest.File], in folder: String, contents: Bool, _ beat: () -> Void
    ) throws(CheckpointProblem) {
        for file in files {
            let path = "\(folder)/\(file.name)"
            var status = stat()
            guard stat(path, &status) == 0 else { throw .unreadable(FileError("open", path)) }
            let size = Int(status.st_size)
            guard size == file.bytes else { throw .wrongSize(path: path, expected: file.bytes, found: size) }
            guard contents else { continue }
            let found: (bytes: Int, sha256: String)
            do throws(FileError) {
                found = try FileHash.of(path, beat: beat)
            } catch { throw .unreadable(error) }
            guard found.bytes == file.bytes else {
                throw .wrongSize(path: path, expected: file.bytes, found: found.bytes)
            }
            guard found.sha256 == file.sha256 else { throw .wrongHash(path: path) }
        }
    }

    private static func manifest(of folder: String) throws(CheckpointProblem) -> CheckpointManifest {
        let path = "\(folder)/\(CheckpointManifest.fileName)"
        let data: Data
        do throws(FileError) { data = try DurableFile.read(path) } catch { throw .unreadable(error) }
        let manifest: CheckpointManifest
        do {
            manifest = try BoundedJSON().decode(CheckpointManifest.self, from: data)
        } catch {
            throw .badManifest(path: path, reason: "it is not a manifest (\(data.count) bytes)")
        }
        guard CheckpointManifest.knownFormats.contains(manifest.format) else {
            throw .badManifest(path: path, reason: "format \(manifest.format) is not known to this version")
        }
        guard manifest.isIntact(in: data) else {
            throw .badManifest(path: path, reason: "it is not as it was written: its own SHA-256 differs")
        }
        for file in manifest.files where file.name.contains("/") || file.name.hasPrefix(".") || file.bytes < 0 {
            throw .badManifest(path: path, reason: "it lists a file outside its folder")
        }
        return manifest
    }

    /// The newest checkpoint that is whole, with its manifest; nil when there is none.
    ///
    /// - Parameters:
    ///   - beat: called again and again while files are read.
    ///   - rejected: told of every newer one that was passed over, and why.
    package func newest(
        beat: () -> Void = {}, rejected: (CheckpointName, CheckpointProblem) -> Void
    ) throws(FileError) -> (name: CheckpointName, manifest: CheckpointManifest)? {
        for name in try names().reversed() {
            do throws(CheckpointProblem) {
                return (name, try verify(name, beat: beat))
            } catch {
                rejected(name, error)
            }
        }
        return nil
    }
}
