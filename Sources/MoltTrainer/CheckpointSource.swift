import MoltCheckpoint
package import MoltConversion
package import MoltCore

/// A checkpoint that a user names: its own folder, or a run's folder, of which the newest whole one is meant, or with
/// `/best` behind it that of the lowest validation loss; or a model of another tool's, such as a Hugging Face folder.
package struct CheckpointSource {
    package let folder: String
    package let manifest: CheckpointManifest
    /// The weights, where they lie in another tool's layout.
    package let foreign: (any ModelWeights)?

    /// It holds adapters alone, and names the model that they stand on.
    var hasAdapters: Bool { manifest.state[StateKey.base] != nil }

    /// - Parameters:
    ///   - key: the recipe's key, or the option, that named it.
    ///   - beat: called again and again while files are read.
    package init(_ path: String, key: String, beat: () -> Void = {}) throws(UserError) {
        let path = try Self.best(path, key: key) ?? path
        if let manifest = try Self.checkpoint(path, key: key, contents: true, beat) {
            self.init(folder: path, manifest)
            return
        }
        if let foreign = try Self.foreign(path, key: key) {
            try self.init(foreign)
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
                fix: "name a run's folder, a folder step-…-e… below its checkpoints/, or a Hugging Face folder")
        }
        self.init(folder: runCheckpoints.folder(of: newest.name), newest.manifest)
    }

    /// What `<run>/best` means; nil for other paths.
    private static func best(_ path: String, key: String) throws(UserError) -> String? {
        guard path.hasSuffix("/best") else { return nil }
        let checkpoints = CheckpointFolder(path: RunFolder(path: String(path.dropLast(5))).checkpoints)
        do throws(FileError) {
            return checkpoints.best(of: try checkpoints.names()).map(checkpoints.folder)
        } catch {
            throw UserError(error.description, at: key)
        }
    }

    private init(folder: String, _ manifest: CheckpointManifest) {
        self.folder = folder
        self.manifest = manifest
        foreign = nil
    }

    /// What a checkpoint of our own with these weights would say.
    private init(_ weights: any ModelWeights) throws(UserError) {
        folder = weights.place
        foreign = weights
        manifest = try ImportedCheckpoint.manifest(weights, files: [])
    }

    /// A checkpoint's own folder whose contents another rank has verified.
    init(verified path: String, key: String) throws(UserError) {
        if let manifest = try Self.checkpoint(path, key: key, contents: false, {}) {
            self.init(folder: path, manifest)
        } else if let foreign = try Self.foreign(path, key: key) {
            try self.init(foreign)
        } else {
            throw UserError("this rank cannot see the checkpoint \(DisplayText.escaped(path))", at: key)
        }
    }

    private static func foreign(_ path: String, key: String) throws(UserError) -> (any ModelWeights)? {
        do {
            return try ForeignModel.open(path)
        } catch let error as UserError {
            throw error
        } catch {
            throw UserError("the model cannot be read: \(error)", at: key)
        }
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
