import FoundationEssentials
import MoltCore
import MoltTesting
import Testing

/// A manifest decides what is loaded: a broken one is refused, in time, and leads nowhere outside its folder.
@Suite(.serialized) struct CheckpointFuzzTests {
    /// Covers E15, N17.
    @Test func manifests() throws {
        let folder = TemporaryFolder("manifest")
        try DurableFile.write(Data("abc".utf8), to: folder("model-0.safetensors"))
        try DurableFile.write(Data("secret".utf8), to: folder("outside"))
        let inner = folder("step-00000007-e2")
        try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: true)
        try DurableFile.write(Data("abc".utf8), to: "\(inner)/model-0.safetensors")
        let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        let manifest = CheckpointManifest(
            run: "r", step: 7, epoch: 2, files: [.init(name: "model-0.safetensors", bytes: 3, sha256: hash)],
            recipeHash: "h", architecture: ["pattern": "M-M*"], worldSize: 2,
            state: ["rng": "1,2,3", CheckpointManifest.slowestSaveKey: "1.5"], savedAt: 1_795_278_704.5)
        let honest = try manifest.encoded(), path = "\(inner)/\(CheckpointManifest.fileName)"
        try honest.write(to: URL(filePath: path))
        #expect(try CheckpointFolder.verify(folder: inner).files == manifest.files, "the honest one is read")
        // One of the first format has no sum of its own, so that what is broken comes as far as the other checks.
        var older = manifest
        older.format = 1
        let unsummed = try JSONEncoder().encode(older)
        var escaped = 0
        let pieces = ["../outside", "/etc/passwd", "\"name\":\"..\"", "\"bytes\":-1", "\"format\":2", "\\u002e"]
        let result = Fuzz("manifests", bytes: [[UInt8](honest), [UInt8](unsummed)], pieces: pieces).hammer {
            guard (try? Data($0).write(to: URL(filePath: path))) != nil else { return }
            guard let read = try? CheckpointFolder.verify(folder: inner) else { return }
            _ = (read.validationLoss, read.slowestSave)
            if read.files.contains(where: { $0.name.contains("/") }) { escaped += 1 }
        }
        #expect(result.isFine(atLeast: 200), "\(result)")
        #expect(escaped == 0)
    }
}
