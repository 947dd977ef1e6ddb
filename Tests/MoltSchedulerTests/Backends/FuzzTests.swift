import FoundationEssentials
import MoltBackends
import MoltScheduler
import Testing

/// Everything that reads what Slurm prints, fed with broken copies of real answers: no crash, and no second lost.
@Suite struct FuzzTests {
    /// Seconds for each parser; `MOLT_FUZZ_SECONDS` for long runs.
    private static let seconds = ProcessInfo.processInfo.environment["MOLT_FUZZ_SECONDS"].flatMap(Double.init) ?? 2

    /// A generator with a seed, so that a failure can be repeated.
    private struct Seeded: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    private static func broken(_ text: [UInt8], _ random: inout Seeded) -> [UInt8] {
        var bytes = text
        for _ in 0..<Int.random(in: 1...8, using: &random) where !bytes.isEmpty {
            let at = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.remove(at: at)
            case 2: bytes.removeSubrange(at..<min(bytes.count, at + 40))
            case 3:
                let piece = bytes[at..<min(bytes.count, at + 60)]
                bytes.insert(contentsOf: piece, at: Int.random(in: 0...bytes.count, using: &random))
            case 4: bytes.insert(contentsOf: Array("[{\"-9\\u00e9999999999e999~]},".utf8), at: at)
            default: bytes.insert(contentsOf: [UInt8](repeating: UInt8(ascii: "["), count: 600), at: at)
            }
        }
        return bytes
    }

    /// Reads broken copies for a while; returns how many, and the longest time that one took.
    private func hammer(_ text: String, _ read: ([UInt8]) -> Void) -> (count: Int, longest: Duration) {
        let whole = Array(text.utf8), end = ContinuousClock.now + .seconds(Self.seconds)
        var random = Seeded(state: 20_261_121), count = 0, longest = Duration.zero
        while ContinuousClock.now < end {
            let bytes = Self.broken(whole, &random), start = ContinuousClock.now
            read(bytes)
            longest = max(longest, ContinuousClock.now - start)
            count += 1
        }
        return (count, longest)
    }

    private func check(_ result: (count: Int, longest: Duration)) {
        #expect(result.count > 500 && result.longest < .seconds(1), "\(result)")
    }

    @Test func squeuesTable() {
        let table = SqueueTable(nonce: "n0nce")
        let text = (1...5).map { SqueueTableTests.record([0: "\($0)"]) }.joined()
        check(hammer(text) { _ = try? table.read($0, asOf: 0) { _ in false } })
    }

    @Test func squeuesNodes() {
        check(hammer("r[0-1]n[0-3],m[001-099]-ib") { _ = HostList.expand(String(decoding: $0, as: UTF8.self)) })
    }

    @Test func scontrolsTexts() {
        let texts = [ScontrolTextTests.settings, ScontrolTextTests.partitions, ScontrolTextTests.nodes]
        let text = texts.joined(separator: "\u{1}")
        check(hammer(text) { bytes in
            let parts = bytes.split(separator: 1).map { String(decoding: $0, as: UTF8.self) }
            let settings = try? ScontrolText.settings(parts.first ?? "")
            _ = try? ScontrolText.configuration(
                settings: settings?.values ?? [:], partitions: parts.dropFirst().first ?? "", nodes: parts.last ?? "")
        })
    }

    @Test(arguments: [RestReplyTests.recorded38, RestReplyTests.written40])
    func slurmrestdsAnswers(_ text: String) {
        check(hammer(text) { bytes in
            let reply = try? RestReply.read(Data(bytes))
            for job in reply?.jobs ?? [] { _ = job.status(asOf: 0) { _ in false } }
        })
    }

    @Test func tokens() {
        check(hammer("SLURM_JWT=eyJhbGciOiJIUzI1NiJ9.abc\n") { bytes in
            _ = try? RestToken.parse(String(decoding: bytes, as: UTF8.self))
        })
    }
}
