import Dispatch
import FoundationEssentials
import MoltCore
import MoltRecipe
import MoltTesting
import Synchronization
import Testing

extension WorkerTests {
    /// The machine dies during a real training, after any of its system calls: what is on the disk then has a whole
    /// checkpoint, and no older one than the last that was committed.
    struct CrashConsistencyTests {
        private let folder = TemporaryFolder("crash")

        /// Everything that one worker did below its checkpoints, over saves and the deletion of older ones.
        private func record() async throws -> [Recording.Operation] {
            let here = "/" + #filePath.split(separator: "/").dropLast().joined(separator: "/")
            let source = "\(here)/Recorder/recorder.c", shim = folder("recorder.so")
            let built = Shell.run(["cc", "-shared", "-fPIC", "-O1", "-o", shim, source])
            try #require(built.status == 0, "\(built.output)")
            var recipe = try TinyRecipe.make(folder, steps: 120)
            recipe.model?.feedForwardSize = 32
            recipe.checkpoint.everySteps = 1
            recipe.checkpoint.keep = 2
            let fleet = try Fleet(recipe)
            try DurableFile.makeFolder(fleet.run.checkpoints)
            let statuses = try await fleet.live(environment: [
                "LD_PRELOAD": shim, "MOLT_RECORD_ROOT": fleet.run.checkpoints, "MOLT_RECORD": folder("record"),
            ])
            try #require(statuses == [0], "\(fleet.output())")
            return try Recording(folder("record"), root: fleet.run.checkpoints).operations
        }

        /// The newest checkpoint whose name was safe on the disk after each operation.
        private func committed(_ operations: [Recording.Operation]) -> [CheckpointName?] {
            var renamed: CheckpointName?, newest: CheckpointName?
            return operations.map { operation in
                switch operation {
                case .rename(_, let to): renamed = CheckpointName(parsing: to) ?? renamed
                case .sync(""): newest = renamed
                case .create, .write, .sync, .link, .unlink, .makeFolder, .removeFolder: break
                }
                return newest
            }
        }

        private func newest(_ disk: CrashedDisk, _ number: Int) throws -> CheckpointName? {
            let path = folder("disk-\(number)")
            try disk.write(to: path)
            defer { try? FileManager.default.removeItem(atPath: path) }
            return try CheckpointFolder(path: path).newest { _, _ in }?.name
        }

        /// Covers E1, E2, N10.
        @Test func afterAnySystemCallAWholeCheckpointIsLeft() async throws {
            let recorded = try await record()
            // A busy machine saves more rarely: so many saves are looked at, wherever the last of them ends.
            var seen: Set<CheckpointName> = []
            let end = self.committed(recorded).firstIndex { name in
                if let name { seen.insert(name) }
                return seen.count > 24
            }
            let operations = Array(recorded[..<(end ?? recorded.count)]), committed = self.committed(operations)
            let first = try #require(committed.firstIndex { $0 != nil })
            #expect(Set(committed.compactMap { $0 }).count >= 20, "saves and their successors")
            let cuts = Array(first + 1..<operations.count)
            #expect(cuts.count >= 500, "\(cuts.count) cuts")
            #expect(await worse(cuts) { cut in
                let left = try newest(CrashedDisk(after: operations[..<cut]), cut)
                return isWhole(left, committed[cut - 1]) ? nil : "after \(cut): \(operations[cut - 1])"
            } == [])
            // A disk that loses what was not synced: in the order of a journal, or in none.
            #expect(await worse(Array(0..<2000)) { variant in
                var random = CutRandom(seed: variant)
                let cut = cuts[random.next(cuts.count)], journal = random.next(cut + 1), isOrdered = variant % 2 == 0
                let disk = CrashedDisk(
                    after: operations[..<cut],
                    isKept: { isOrdered ? $0 < journal : random.next(2) == 0 },
                    fate: { CrashedDisk.Fate.allCases[random.next(4)] })
                let left = try newest(disk, variant)
                return isWhole(left, committed[cut - 1])
                    ? nil : "variant \(variant), after \(cut): \(operations[cut - 1])"
            } == [])
        }

        private func isWhole(_ left: CheckpointName?, _ safe: CheckpointName?) -> Bool {
            guard let left, let safe else { return false }
            return left >= safe
        }

        /// What the check complains of. One share of the cases for each core, on threads of their own: the tests beside
        /// this one need theirs to see when to kill.
        private func worse(_ cases: [Int], _ check: @escaping @Sendable (Int) throws -> String?) async -> [String] {
            let shares = 2
            return await withCheckedContinuation { continuation in
                DispatchQueue.global().async {
                    let complaints = Mutex<[String]>([])
                    DispatchQueue.concurrentPerform(iterations: shares) { share in
                        for index in stride(from: share, to: cases.count, by: shares) {
                            let complaint: String?
                            do { complaint = try check(cases[index]) } catch { complaint = "\(error)" }
                            if let complaint { complaints.withLock { $0.append(complaint) } }
                        }
                    }
                    continuation.resume(returning: complaints.withLock { $0 })
                }
            }
        }

        /// A model that could not lose anything would prove nothing.
        @Test func theModelLosesWhatWasNotSynced() throws {
            let careless: [Recording.Operation] = [
                .makeFolder("a"), .create("a/x"), .write("a/x", at: 0, Data("text".utf8)), .rename("a", to: "b"),
            ]
            func files(_ operations: [Recording.Operation], _ fate: CrashedDisk.Fate, kept: Bool) throws -> [String] {
                let path = folder("model")
                try CrashedDisk(after: operations[...], isKept: { _ in kept }, fate: { fate }).write(to: path)
                defer { try? FileManager.default.removeItem(atPath: path) }
                return try FileManager.default.subpathsOfDirectory(atPath: path).sorted().map {
                    let bytes = (try? DurableFile.read("\(path)/\($0)")) ?? Data()
                    return "\($0) \(String(decoding: bytes, as: UTF8.self).replacing("\0", with: "0"))"
                }
            }
            #expect(try files(careless, .all, kept: true) == ["b ", "b/x text"])
            #expect(try files(careless, .none, kept: true) == ["b ", "b/x "])
            #expect(try files(careless, .zeros, kept: true) == ["b ", "b/x 0000"])
            #expect(try files(careless, .half, kept: true) == ["b ", "b/x te"])
            #expect(try files(careless, .all, kept: false) == [])
            let careful = careless.prefix(3) + [.sync("a/x"), .sync("a"), .rename("a", to: "b"), .sync("")]
            #expect(try files(Array(careful), .none, kept: false) == ["b ", "b/x text"])
        }
    }
}

/// The same numbers each time.
private struct CutRandom {
    private var state: UInt64

    init(seed: Int) {
        state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 &+ 7
    }

    mutating func next(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % max(1, bound)
    }
}
