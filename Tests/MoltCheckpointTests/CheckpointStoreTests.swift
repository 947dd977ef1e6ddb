import FoundationEssentials
import MoltCheckpoint
import MoltCore
import MoltTesting
import Testing

/// Commit, fence, fall back, prune: whatever happens to the files, the newest whole checkpoint is what is loaded.
struct CheckpointStoreTests {
    private let folder = TemporaryFolder("store")
    private var run: RunFolder { RunFolder(path: folder.path) }

    init() throws {
        try DurableFile.makeFolder(folder("epochs"))
    }

    private func store(epoch: Int) -> CheckpointStore {
        CheckpointStore(checkpoints: run.checkpoints, epochs: run.epochs, epoch: epoch, shardBytes: 1000)
    }

    private static func snapshot(step: Int, epoch: Int) -> CheckpointSnapshot {
        func tensor(_ name: String, _ seed: Int) -> HostTensor {
            HostTensor(
                name: name, type: .uint8, shape: [700],
                bytes: (0..<700).map { UInt8(truncatingIfNeeded: $0 &* seed) })
        }
        return CheckpointSnapshot(
            name: CheckpointName(step: step, epoch: epoch), run: "run",
            groups: [
                .init(name: "model", tensors: [tensor("a", step + 1), tensor("b", step + 2)]),
                .init(name: "optimizer", tensors: [tensor("m", step + 3)]),
            ], recipeHash: "r", architecture: ["hidden_size": "8"], worldSize: 1, state: ["step": "\(step)"])
    }

    @discardableResult
    private func commit(step: Int, epoch: Int) throws -> CheckpointName {
        try store(epoch: epoch).commit(Self.snapshot(step: step, epoch: epoch)).name
    }

    private func newest(_ rejected: inout [String]) throws -> CheckpointName? {
        var found: [String] = []
        let result = try store(epoch: 9).folder.newest {
            found.append("\($0) \($1)".replacing(folder.path, with: ""))
        }
        rejected = found
        return result?.name
    }

    @Test func aCommitIsADirectoryOfShardsAndAManifestThatListsThem() throws {
        let name = try commit(step: 12, epoch: 3)
        let checkpoint = CheckpointFolder(path: "\(run.checkpoints)/step-00000012-e3")
        #expect(
            try checkpoint.entries() == [
                "manifest.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
                "optimizer.safetensors",
            ])
        let manifest = try store(epoch: 3).folder.verify(name)
        #expect(manifest.files.map(\.name).sorted() == Array(try checkpoint.entries().dropFirst()))
        #expect(manifest.state == ["step": "12"])
        #expect(try CheckpointFolder(path: run.checkpoints).entries() == ["step-00000012-e3"])
    }

    /// Covers E6.
    @Test func theNewestEpochWinsAndThenTheNewestStep() throws {
        for (step, epoch) in [(50, 1), (10, 2), (20, 2), (60, 1)] { try commit(step: step, epoch: epoch) }
        var rejected: [String] = []
        #expect(try newest(&rejected) == CheckpointName(step: 20, epoch: 2))
        #expect(rejected.isEmpty)
    }

    enum Damage: String, CaseIterable {
        case flippedByte, truncatedShard, longerShard, missingShard, foreignShard, missingManifest, emptyManifest
        case foreignManifest, manifestOfAnotherFormat, pathOutside
    }

    /// Covers E3, E4, E5.
    @Test(arguments: Damage.allCases)
    func damageIsNamedAndTheOneBeforeIsLoaded(_ damage: Damage) throws {
        let older = try commit(step: 1, epoch: 1)
        try commit(step: 2, epoch: 1)
        try apply(damage, in: "\(run.checkpoints)/step-00000002-e1", from: "\(run.checkpoints)/step-00000001-e1")
        var rejected: [String] = []
        #expect(try newest(&rejected) == older)
        #expect(rejected.count == 1)
        let file =
            damage.rawValue.contains("anifest") || damage == .pathOutside ? "manifest.json" : "model-00002-of-00002"
        #expect(rejected.first?.contains("step-00000002-e1/\(file)") == true, "\(rejected)")
    }

    private func apply(_ damage: Damage, in folder: String, from other: String) throws {
        let shard = "\(folder)/model-00002-of-00002.safetensors"
        let manifest = "\(folder)/manifest.json"
        var bytes = try DurableFile.read(shard)
        switch damage {
        case .flippedByte:
            bytes[bytes.count / 2] ^= 1
            try DurableFile.write(bytes, to: shard)
        case .truncatedShard: try DurableFile.write(bytes.dropLast(5), to: shard)
        case .longerShard: try DurableFile.write(bytes + Data([0]), to: shard)
        case .missingShard: try FileManager.default.removeItem(atPath: shard)
        case .foreignShard:
            try DurableFile.write(DurableFile.read("\(other)/model-00002-of-00002.safetensors"), to: shard)
        case .missingManifest: try FileManager.default.removeItem(atPath: manifest)
        case .emptyManifest: try DurableFile.write(Data(), to: manifest)
        case .foreignManifest: try DurableFile.write(DurableFile.read("\(other)/manifest.json"), to: manifest)
        case .manifestOfAnotherFormat: try rewrite(manifest) { $0.format = 99 }
        case .pathOutside: try rewrite(manifest) { $0.files[0].name = "../../../etc/passwd" }
        }
    }

    private func rewrite(_ path: String, _ change: (inout CheckpointManifest) -> Void) throws {
        var manifest = try JSONFile.read(CheckpointManifest.self, from: path)
        change(&manifest)
        try DurableFile.write(manifest.encoded(), to: path)
    }

    @Test func aCheckpointOfTheFirstFormatIsStillLoaded() throws {
        let name = try commit(step: 3, epoch: 1)
        let path = "\(run.checkpoints)/step-00000003-e1/manifest.json"
        var manifest = try JSONFile.read(CheckpointManifest.self, from: path)
        #expect(manifest.format == 2 && manifest.digest?.count == 64)
        (manifest.format, manifest.digest) = (1, nil)
        try JSONFile.write(manifest, to: path)
        #expect(try store(epoch: 1).folder.verify(name).step == 3)
        manifest.format = 2
        try JSONFile.write(manifest, to: path)
        #expect(throws: CheckpointProblem.self) { try store(epoch: 1).folder.verify(name) }
    }

    /// Covers E11.
    @Test func aNewerEpochFencesCommitsAndPruning() throws {
        try commit(step: 1, epoch: 1)
        try DurableFile.createExclusively(Data("{}".utf8), at: run.claim(epoch: 2))
        #expect(throws: CheckpointError.fenced(own: 1, newest: 2)) { try commit(step: 2, epoch: 1) }
        #expect(throws: CheckpointError.fenced(own: 1, newest: 2)) {
            try store(epoch: 1).prune(RetentionRule(keep: 0), good: [])
        }
        #expect(throws: CheckpointError.fenced(own: 1, newest: 2)) { try store(epoch: 1).clearLeftovers() }
        #expect(try CheckpointFolder(path: run.checkpoints).entries() == ["step-00000001-e1"])
        try commit(step: 3, epoch: 2)
    }

    @Test func leftoversOfThisAndEarlierEpochsAreClearedAndNothingElse() throws {
        let names = [
            ".tmp-1-5", ".tmp-2-6", ".tmp-3-7", ".trash-step-00000001-e1-99", "mine", ".tmp-notes",
            "step-00000004-e1",
        ]
        for name in names {
            try DurableFile.makeFolder("\(run.checkpoints)/\(name)")
            try DurableFile.write(Data("x".utf8), to: "\(run.checkpoints)/\(name)/file")
        }
        try store(epoch: 2).clearLeftovers()
        #expect(
            try CheckpointFolder(path: run.checkpoints).entries() == [
                ".tmp-3-7", ".tmp-notes", "mine", "step-00000004-e1",
            ])
    }

    @Test func theSameStepTwiceInAnEpochReplacesTheFirst() throws {
        try commit(step: 4, epoch: 1)
        try rewrite("\(run.checkpoints)/step-00000004-e1/manifest.json") { $0.state = ["old": "yes"] }
        try commit(step: 4, epoch: 1)
        #expect(try store(epoch: 1).folder.verify(CheckpointName(step: 4, epoch: 1)).state == ["step": "4"])
        #expect(try CheckpointFolder(path: run.checkpoints).entries() == ["step-00000004-e1"])
    }

    /// What stands in the way of deleting the earlier one does not cost the later one its name.
    @Test func theSameStepTwiceIsCommittedEvenIfTheFirstCannotBeDeleted() throws {
        try commit(step: 4, epoch: 1)
        let path = "\(run.checkpoints)/step-00000004-e1"
        try rewrite("\(path)/manifest.json") { $0.state = ["old": "yes"] }
        try DurableFile.makeFolder("\(path)/folder")
        try commit(step: 4, epoch: 1)
        #expect(try store(epoch: 1).folder.verify(CheckpointName(step: 4, epoch: 1)).state == ["step": "4"])
    }

    @Test func longReadingGivesSignsOfLife() throws {
        let name = try commit(step: 1, epoch: 1)
        try DurableFile.write(Data(count: 5 << 20), to: folder("large"))
        var beats = 0
        _ = try FileHash.of(folder("large")) { beats += 1 }
        #expect(beats == 5)
        _ = try store(epoch: 1).folder.verify(name) { beats += 1 }
        #expect(beats == 8)
    }

    /// Covers E10.
    @Test(arguments: [
        (0, [1, 2, 3, 4], [4, 3], [1, 2]), (1, [1, 2, 3, 4], [4, 3, 2, 1], [1, 2]),
        (3, [1, 2, 3, 4], [4, 3, 2, 1], [1]),
        (3, [1, 2, 3, 4], [4, 1], []), (2, [1, 2, 3, 4], [3, 2], [1]), (2, [1, 2, 3, 4, 5], [4, 3, 1], [1, 2]),
        (9, [1, 2], [2, 1], []), (2, [], [], []),
    ])
    func theLastTwoGoodOnesAlwaysStay(keep: Int, steps: [Int], good: [Int], doomed: [Int]) {
        func names(_ steps: [Int]) -> [CheckpointName] { steps.map { CheckpointName(step: $0, epoch: 1) } }
        let gone = Retention.doomed(names(steps), good: Set(names(good)), keep: keep)
        #expect(gone.sorted() == names(doomed))
    }

    @Test func theWriterSavesInTheBackgroundReadsBackAndPrunes() throws {
        let writer = CheckpointWriter(store: store(epoch: 1), rule: RetentionRule(keep: 2), good: [])
        for step in 1...4 {
            try writer.start(Self.snapshot(step: step, epoch: 1))
            let outcome = try #require(writer.finish())
            #expect(throws: Never.self) { try outcome.result.get() }
            #expect(outcome.note == nil)
        }
        #expect(!writer.isBusy)
        #expect(try CheckpointFolder(path: run.checkpoints).names().map(\.step) == [3, 4])
    }
}
