package import MoltCore

/// A checkpoint that a user names: its own folder, or a run's folder, of which the newest whole one is meant.
package struct CheckpointSource {
    package let folder: String
    package let manifest: CheckpointManifest

    /// - Parameters:
    ///   - key: the recipe's key, or the option, that named it.
    ///   - beat: called again and again while files are read.
    package init(_ path: String, key: String, beat: () -> Void = {}) throws(UserError) {
        if let manifest = try Self.checkpoint(path, key: key, contents: true, beat) {
            (folder, self.manifest) = (path, manifest)
            return
        }
        let runCheckpoints = CheckpointFolder(path: RunFolder(path: path).checkpoints)
        var rejected: [String] = []
        var newest: (name: CheckpointName, manifest: CheckpointManifest)?
        do throws(FileError) {
            newest = try runCheckpoints.newest(beat: beat) { rejected.append("\($1)") }
        } catch {
            throw UserError(error.description, at: key)
        }
        guard let newest else {
            let reason = rejected.isEmpty ? "it has no checkpoint" : rejected.joined(separator: "; ")
            throw UserError(
                "no checkpoint can be loaded from \(DisplayText.escaped(path)): \(reason)", at: key,
                fix: "name a run's folder or a folder step-…-e… below its checkpoints/")
        }
        (folder, manifest) = (runCheckpoints.folder(of: newest.name), newest.manifest)
    }

    /// A checkpoint's own folder whose contents another rank has verified.
    init(verified path: String, key: String) throws(UserError) {
        guard let manifest = try Self.checkpoint(path, key: key, contents: false, {}) else {
            throw UserError("this rank cannot see the checkpoint \(DisplayText.escaped(path))", at: key)
        }
        (folder, self.manifest) = (path, manifest)
    }

    /// Nil when the folder is not a checkpoint's at all.
    private static func checkpoint(
        _ path: String, key: String, contents: Bool, _ beat: () -> Void
    ) throws(UserError) -> CheckpointManifest? {
        do throws(CheckpointProblem) {
            return try CheckpointFolder.verify(folder: path, contents: contents, beat: beat)
        } catch {
            if case .unreadable(let file) = error, file.path.hasSuffix("/" + CheckpointManifest.fileName) {
                return nil
            }
            throw UserError("the checkpoint is damaged: \(error)", at: key, fix: "name another one")
        }
    }
}
