import MoltCheckpoint
import MoltConversion
import MoltCore
import MoltData

#if canImport(Glibc)
import Glibc
#endif

/// `base/` in the run's folder: the model that the run starts from, so that nothing done to where it came from, such as
/// pruning, can take it away.
struct OwnBase {
    let run: RunFolder
    /// The recipe's `init_from`.
    let named: String
    /// Where hard links cannot be: copies, or an error.
    let copies: Bool
    /// The run goes on with the tokenizer of that model.
    let keepsTokenizer: Bool
    let beat: () -> Void

    /// The run's own base, verified; nil when it has none, or has that of another `init_from` and none is trained yet.
    func find(isTrained: Bool) throws(UserError) -> CheckpointSource? {
        guard access("\(folder(0))/\(CheckpointManifest.fileName)", F_OK) == 0 else { return nil }
        let found = try CheckpointSource(folder(0), key: "init_from", beat: beat)
        return isTrained || found.manifest.state[StateKey.origin] == named ? found : nil
    }

    /// Takes over a checkpoint's weights, and those of the model that its adapters stand on.
    func adopt(_ source: CheckpointSource, depth: Int = 0) throws -> CheckpointSource {
        if let foreign = source.foreign { return try adopt(foreign, depth) }
        var manifest = source.manifest
        manifest.state[StateKey.origin] = named
        manifest.files.removeAll { !ModelFiles.isShard($0.name, of: "model") }
        if manifest.state[StateKey.base] != nil {
            var base = try manifest.state(StateKey.base, as: BaseReference.self, at: source.folder)
            let under = try CheckpointSource(base.folder, key: "init_from", beat: beat)
            base.folder = try adopt(under, depth: depth + 1).folder
            manifest.state[StateKey.base] = try StateText.encode(base)
        }
        if depth == 0, keepsTokenizer, let tokenizer = try TokenizerCopy.own(of: source) {
            try TokenizerCopy.keep(tokenizer, in: run)
            manifest.state[StateKey.tokenizer] = tokenizer.name
        }
        let final = folder(depth), temporary = final + ".tmp"
        for leftover in [temporary, final] { try remove(leftover) }
        try DurableFile.makeFolder(temporary)
        for file in manifest.files {
            try take("\(source.folder)/\(file.name)", as: "\(temporary)/\(file.name)")
        }
        try DurableFile.write(manifest.encoded(), to: "\(temporary)/\(CheckpointManifest.fileName)")
        guard rename(temporary, final) == 0 else { throw FileError("rename to", final) }
        try DurableFile.syncFolder(of: final)
        return try CheckpointSource(verified: final, key: "init_from")
    }

    /// Another tool's weights become a checkpoint of ours: there is no other way to keep them.
    private func adopt(_ weights: any ModelWeights, _ depth: Int) throws -> CheckpointSource {
        guard copies else {
            throw UserError("it is not a checkpoint of Molt's, and a copy is not worth its room", at: weights.place)
        }
        let final = folder(depth)
        try remove(final)
        try ImportedCheckpoint.write(weights, to: final, origin: named, beat: beat)
        return try CheckpointSource(verified: final, key: "init_from")
    }

    /// `base`, and for models under models `base-1` and so on.
    private func folder(_ depth: Int) -> String { run.base + (depth > 0 ? "-\(depth)" : "") }

    private func remove(_ path: String) throws {
        for name in try CheckpointFolder(path: path).entries() {
            guard unlink("\(path)/\(name)") == 0 else { throw FileError("delete", "\(path)/\(name)") }
        }
        guard rmdir(path) == 0 || errno == ENOENT else { throw FileError("delete", path) }
    }

    private func take(_ source: String, as path: String) throws {
        if link(source, path) == 0 { return }
        guard copies else { throw FileError("link", source) }
        let input = open(source, O_RDONLY | O_CLOEXEC)
        guard input >= 0 else { throw FileError("open", source) }
        defer { close(input) }
        let output = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard output >= 0 else { throw FileError("create", path) }
        defer { close(output) }
        while true {
            let count = sendfile(output, input, nil, Limits.copyBytes)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw FileError("copy", path) }
            guard count > 0 else { break }
            beat()
        }
        guard fsync(output) == 0 else { throw FileError("sync", path) }
    }
}
