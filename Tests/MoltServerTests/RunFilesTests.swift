import FoundationEssentials
import MoltCore
import MoltServer
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// What the daemon reads in run folders, and what it leaves of them.
@Suite struct RunFilesTests {
    private let folder = TemporaryFolder("events")

    private func append(_ name: String, _ text: String, age: Double = 0) throws {
        let descriptor = open(folder(name), O_WRONLY | O_CREAT | O_APPEND, 0o600)
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        try #require(descriptor >= 0 && write(descriptor, bytes, bytes.count) == bytes.count)
        let at = timespec(tv_sec: time(nil) - Int(age), tv_nsec: 0)
        try #require(futimens(descriptor, [at, at]) == 0)
    }

    private func step(_ number: Int) -> String { "{\"kind\":\"step\",\"step\":\(number)}\n" }

    /// Reads on from `offsets`, and returns the steps that were new.
    private func read(_ offsets: inout [String: Int]) -> [Int] {
        let tail = EventTail.read(folder: folder.path, after: offsets)
        offsets.merge(tail.offsets) { $1 }
        return tail.lines.compactMap(\.event.step)
    }

    @Test func theNewestEpochIsReadHoweverManyRanksWrote() throws {
        for rank in 0..<4200 { try append("9-\(rank).jsonl", "") }
        try append("99-0.jsonl", step(7))
        var offsets: [String: Int] = [:]
        #expect(read(&offsets) == [7])
    }

    @Test func figuresComeInTheOrderOfEpochs() throws {
        for epoch in [10, 9, 100] { try append("\(epoch)-0.jsonl", step(epoch)) }
        var offsets: [String: Int] = [:]
        #expect(read(&offsets) == [9, 10, 100])
        try append("100-0.jsonl", step(101) + "{\"step\":")
        #expect(read(&offsets) == [101])
        try append("100-0.jsonl", "102}\n")
        #expect(read(&offsets) == [102])
    }

    /// A long file that is read in parts must not take the figures back once a later epoch was told of.
    @Test func noEpochIsReadBeforeThoseAheadOfIt() throws {
        let pad = String(repeating: "x", count: 60_000)
        let long = (1...30).map { "{\"kind\":\"step\",\"step\":\($0),\"message\":\"\(pad)\"}\n" }.joined()
        try append("1-0.jsonl", long, age: 3600)
        try append("2-0.jsonl", step(31), age: 3600)
        try append("3-0.jsonl", step(32))
        var offsets: [String: Int] = [:]
        let first = read(&offsets), second = read(&offsets)
        #expect(!first.isEmpty && first.count < 30, "one file, one megabyte at a time")
        #expect(first + second == Array(1...32))
        #expect(read(&offsets) == [])
    }

    @Test func aPartEndsWithItsBytes() throws {
        for rank in 0..<4 { try append("1-\(rank).jsonl", step(rank)) }
        try append("2-0.jsonl", step(9))
        var offsets: [String: Int] = [:], parts: [[Int]] = []
        repeat {
            let tail = EventTail.read(folder: folder.path, after: offsets, bytes: 30)
            offsets.merge(tail.offsets) { $1 }
            parts.append(tail.lines.compactMap(\.event.step))
        } while parts.last?.isEmpty == false
        #expect(parts.flatMap { $0 } == [0, 1, 2, 3, 9] && parts.count > 2)
    }

    @Test func ofManyRanksOnlyTheFirstAreRead() throws {
        for rank in [0, 15, 16, 300] { try append("1-\(rank).jsonl", step(rank)) }
        try append("1-job.jsonl", step(1000))
        var offsets: [String: Int] = [:]
        #expect(read(&offsets) == [0, 15, 1000])
    }

    @Test func anEpochThatIsOverIsNotOpenedAgain() throws {
        try append("1-0.jsonl", step(1), age: 3600)
        try append("1-job.jsonl", step(2) + "{\"cut off", age: 3600)
        try append("2-0.jsonl", step(3))
        try append("3-0.jsonl", step(4), age: 3600)
        var offsets: [String: Int] = [:]
        #expect(read(&offsets) == [1, 2, 3, 4])
        #expect(read(&offsets) == [])
        try append("1-0.jsonl", step(5), age: 3600)
        try append("2-0.jsonl", step(6))
        try append("3-0.jsonl", step(7), age: 3600)
        #expect(read(&offsets) == [6, 7], "a late line counts for some minutes; the newest epoch's always do")
        let known = offsets.count
        #expect(read(&offsets) == [])
        #expect(offsets.count == known, "and nothing is written down twice")
    }

    @Test func whatAnInterruptedRemovalLeftGoesToo() throws {
        let run = RunFolder(path: folder("run"))
        for path in [run.path, run.path + ".removed"] { try DurableFile.makeFolder("\(path)/checkpoints") }
        try RunFreezer.remove(run)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
        try DurableFile.makeFolder("\(run.path).removed/checkpoints")
        try RunFreezer.remove(run)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
        try RunFreezer.remove(run)
    }
}
