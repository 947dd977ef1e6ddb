import FoundationEssentials
import MoltCheckpoint
import MoltCore
import MoltTesting
import Testing

/// What stays when old checkpoints go, and what a removal that breaks off leaves behind.
struct RetentionTests {
    private let folder = TemporaryFolder("retention")
    private var run: RunFolder { RunFolder(path: folder.path) }

    init() throws {
        try DurableFile.makeFolder(folder("epochs"))
    }

    private func store(epoch: Int) -> CheckpointStore {
        CheckpointStore(checkpoints: run.checkpoints, epochs: run.epochs, epoch: epoch, shardBytes: 200)
    }

    @discardableResult
    private func commit(_ step: Int, epoch: Int = 1, loss: Double? = nil) throws -> CheckpointName {
        let tensors = ["a", "b", "c"].map {
            HostTensor(name: $0, type: .uint8, shape: [150], bytes: [UInt8](repeating: UInt8(step), count: 150))
        }
        let state = loss.map { [CheckpointManifest.validationLossKey: "\($0)"] } ?? [:]
        let snapshot = CheckpointSnapshot(
            name: CheckpointName(step: step, epoch: epoch), run: "run",
            groups: [.init(name: "model", tensors: tensors)], recipeHash: "r", architecture: [:], worldSize: 1,
            state: state)
        return try store(epoch: epoch).commit(snapshot).name
    }

    private static func names(_ steps: [Int]) -> [CheckpointName] { steps.map { CheckpointName(step: $0, epoch: 1) } }

    @Test(arguments: [
        (nil, [1, 2, 3], []), (10, [5, 9], []), (10, [5, 10, 15, 20, 21], [10, 20]), (10, [13, 17, 31, 38], [13, 31]),
        (1, [1, 2], [1, 2]),
    ] as [(Int?, [Int], [Int])])
    func ofEachSpanTheFirstIsAMilestone(_ every: Int?, _ steps: [Int], _ kept: [Int]) {
        #expect(Retention.milestones(Self.names(steps), every: every) == Set(Self.names(kept)))
    }

    /// After a rewind the later epoch is the run's history.
    @Test func ofTwoMilestonesAtOneStepTheLaterEpochsStays() {
        let names = [CheckpointName(step: 10, epoch: 1), CheckpointName(step: 10, epoch: 2)]
        #expect(Retention.milestones(names, every: 10) == [names[1]])
        #expect(Retention.milestones(names.reversed(), every: 10) == [names[1]])
    }

    @Test func theBestIsTheFirstWithTheLowestLoss() {
        func best(_ losses: [Int: Double]) -> Int? {
            let named = losses.map { (CheckpointName(step: $0, epoch: 1), $1) }
            return CheckpointFolder.best(Dictionary(uniqueKeysWithValues: named))?.step
        }
        #expect(best([:]) == nil)
        #expect(best([1: 3, 2: 1, 3: 2]) == 2)
        #expect(best([4: 1, 2: 1, 3: 2]) == 2)
        #expect(best([1: .nan, 2: 5]) == 2)
        #expect(best([1: .nan]) == nil)
    }

    @Test func theBestAndTheMilestonesOutliveTheNewest() throws {
        let losses: [Int: Double] = [4: 2.5, 6: 1.5, 9: 1.7]
        var good: Set<CheckpointName> = []
        for step in 1...12 {
            good.insert(try commit(step, loss: losses[step]))
            good.subtract(try store(epoch: 1).prune(RetentionRule(keep: 2, milestones: 5), good: good))
        }
        #expect(try store(epoch: 1).folder.names().map(\.step) == [5, 6, 10, 11, 12])
    }

    private struct Crash: Error {}

    /// Removes with a crash before the n-th change on disk, for every n; then another incarnation starts.
    ///
    /// Covers E10.
    @Test func aRemovalThatBreaksOffAnywhereCostsNothingThatShouldStay() throws {
        var crashes = 0
        while true {
            for name in try store(epoch: 1).folder.entries() {
                try FileManager.default.removeItem(atPath: "\(run.checkpoints)/\(name)")
            }
            for step in 1...5 { try commit(step) }
            var left = crashes, isOver = true
            do throws(CheckpointError) {
                _ = try store(epoch: 1).prune(RetentionRule(keep: 2), good: Set(Self.names([1, 2, 3, 4, 5]))) { _ in
                    guard left > 0 else {
                        isOver = false
                        throw Crash()
                    }
                    left -= 1
                }
            } catch {
                #expect(!isOver)
            }
            let after = store(epoch: 1).folder
            for step in [4, 5] { _ = try after.verify(CheckpointName(step: step, epoch: 1)) }
            // What is still there under its name is whole: nothing is deleted in place.
            for name in try after.names() { _ = try after.verify(name) }
            try store(epoch: 1).clearLeftovers()
            #expect(try after.entries() == after.names().map(\.description))
            #expect(try after.newest { name, problem in Issue.record("\(name): \(problem)") }?.name.step == 5)
            if isOver { break }
            crashes += 1
        }
        // Three removed: each renamed, emptied of four files, and deleted.
        #expect(crashes == 3 * 6)
    }

    @Test func aCommitNamesTheHashOfItsManifest() throws {
        let tensor = HostTensor(name: "a", type: .uint8, shape: [1], bytes: [7])
        let snapshot = CheckpointSnapshot(
            name: CheckpointName(step: 1, epoch: 1), run: "run", groups: [.init(name: "model", tensors: [tensor])],
            recipeHash: "r", architecture: [:], worldSize: 1, state: [:])
        let committed = try store(epoch: 1).commit(snapshot)
        let path = "\(run.checkpoints)/\(committed.name)/\(CheckpointManifest.fileName)"
        #expect(try FileHash.of(path).sha256 == committed.sha256)
    }

    /// A stale listing of the folder is no excuse where the file can be asked.
    @Test func anAnnouncedEpochFencesEvenWhereItsClaimIsNotListedYet() throws {
        try commit(1)
        EpochFolder(path: run.epochs).announce(2)
        #expect(throws: CheckpointError.fenced(own: 1, newest: 2)) { try commit(2) }
    }
}
