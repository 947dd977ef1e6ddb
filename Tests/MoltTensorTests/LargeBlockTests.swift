import Glibc
import MoltTensor
import Testing

/// The pool of large blocks belongs to the process, so each test has one of its own.
struct LargeBlockTests {
    /// Above glibc's highest mapping threshold, where the heap keeps nothing.
    private static let mebibytes = 40

    private static func use(_ mebibytes: Int) throws {
        _ = try Tensor.ones([mebibytes << 18])
    }

    private static func pageFaults(_ body: () throws -> Void) rethrows -> Int {
        let before = usage().ru_minflt
        try body()
        return usage().ru_minflt - before
    }

    private static func highestMebibytes() -> Int { usage().ru_maxrss >> 10 }

    private static func usage() -> rusage {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage
    }

    @Test func aLargeTensorTakesTheMemoryOfTheOneBeforeIt() async throws {
        await #expect(processExitsWith: .success) {
            let pages = (Self.mebibytes << 20) / 4096
            let first = try Self.pageFaults { try Self.use(Self.mebibytes) }
            #expect(first >= pages / 2)
            let second = try Self.pageFaults { try Self.use(Self.mebibytes) }
            #expect(second < pages / 10)
        }
    }

    @Test func keptBlocksNeverRaiseThePeak() async throws {
        await #expect(processExitsWith: .success) {
            try Self.use(Self.mebibytes)
            let before = Self.highestMebibytes()
            for more in 1...20 { try Self.use(Self.mebibytes - more / 4) }
            #expect(Self.highestMebibytes() - before < Self.mebibytes / 2)
        }
    }

    @Test func whatIsLentTwiceIsNeverLentAtOnce() async throws {
        await #expect(processExitsWith: .success) {
            let count = Self.mebibytes << 18
            try Self.use(Self.mebibytes)
            let ones = try Tensor.ones([count]), twos = try Tensor.ones([count]).fill_(2)
            #expect(try ones.sum().item() == Double(count) && twos.sum().item() == Double(2 * count))
        }
    }
}
