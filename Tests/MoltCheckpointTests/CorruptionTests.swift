import FoundationEssentials
import MoltCheckpoint
import MoltCore
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// A checkpoint that any disk, network or hand has touched is never taken for whole.
struct CorruptionTests {
    private let folder = TemporaryFolder("corrupt")
    private var run: RunFolder { RunFolder(path: folder.path) }

    /// Three shards and a manifest; returns the paths of its files.
    private func commit() throws -> (name: CheckpointName, files: [String]) {
        try DurableFile.makeFolder(run.epochs)
        func tensor(_ name: String, _ seed: Int) -> HostTensor {
            HostTensor(
                name: name, type: .uint8, shape: [1500],
                bytes: (0..<1500).map { UInt8(truncatingIfNeeded: $0 &* seed &+ $0 >> 3) })
        }
        let name = CheckpointName(step: 7, epoch: 1)
        let store = CheckpointStore(checkpoints: run.checkpoints, epochs: run.epochs, epoch: 1, shardBytes: 2000)
        _ = try store.commit(
            CheckpointSnapshot(
                name: name, run: "run",
                groups: [
                    .init(name: "model", tensors: [tensor("a", 3), tensor("b", 5)]),
                    .init(name: "optimizer", tensors: [tensor("m", 7)]),
                ], recipeHash: "r", architecture: [:], worldSize: 1, state: [:]))
        let path = "\(run.checkpoints)/\(name)"
        let files = try CheckpointFolder(path: path).entries().map { "\(path)/\($0)" }
        try #require(files.count == 4)
        return (name, files)
    }

    private func isWhole(_ name: CheckpointName) -> Bool {
        (try? CheckpointFolder(path: run.checkpoints).verify(name)) != nil
    }

    /// Covers E3, N10.
    @Test func noneOfTenThousandFlippedBitsPasses() throws {
        let (name, files) = try commit()
        #expect(isWhole(name))
        var random = Random(state: 10)
        var passed: [String] = []
        for _ in 0..<10_000 {
            let file = files[random.next(files.count)]
            let size = try DurableFile.read(file).count
            try poke(file, at: random.next(size), flipping: UInt8(1) << UInt8(random.next(8))) { offset, bit in
                if isWhole(name) { passed.append("\(file) byte \(offset) bit \(bit)") }
            }
        }
        #expect(passed.isEmpty, "\(passed.count): \(passed.prefix(10))")
        #expect(isWhole(name), "every bit was put back")
    }

    /// Covers E3, E5, N10.
    @Test func noneOfAThousandTruncationsPasses() throws {
        let (name, files) = try commit()
        var random = Random(state: 20)
        var passed: [String] = []
        for _ in 0..<1000 {
            let file = files[random.next(files.count)], whole = try DurableFile.read(file)
            let length = random.next(whole.count)
            try #require(truncate(file, length) == 0)
            if isWhole(name) { passed.append("\(file) at \(length)") }
            try DurableFile.write(whole, to: file)
        }
        #expect(passed.isEmpty, "\(passed.count): \(passed.prefix(10))")
        #expect(isWhole(name))
    }

    private func poke(
        _ path: String, at offset: Int, flipping bit: UInt8, _ body: (Int, UInt8) -> Void
    ) throws {
        let descriptor = open(path, O_RDWR | O_CLOEXEC)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        var byte: UInt8 = 0
        try #require(pread(descriptor, &byte, 1, offset) == 1)
        var flipped = byte ^ bit
        try #require(pwrite(descriptor, &flipped, 1, offset) == 1)
        body(offset, bit)
        try #require(pwrite(descriptor, &byte, 1, offset) == 1)
    }
}

/// The same numbers each time.
struct Random {
    var state: UInt64

    mutating func next(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % max(1, bound)
    }
}
