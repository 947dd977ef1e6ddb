import Dispatch
import FoundationEssentials
import MoltCore
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// Feeds a reader with broken copies of what it is meant to read: none may crash it, none may hold it up.
///
/// Every input follows from the seed and its number alone. `MOLT_FUZZ_SECONDS` lengthens a run, `MOLT_FUZZ_SEED` gives
/// another row of inputs, `MOLT_FUZZ_INPUT` reads one of them alone, so that a failure can be repeated.
package struct Fuzz: Sendable {
    package struct Result: Sendable, CustomStringConvertible {
        let name: String
        let seed: UInt64
        package var count = 0
        /// The longest time that one input took, and its number.
        package var longest = Duration.zero
        package var slowest: UInt64 = 0
        /// Of one input that is read alone, to repeat what it did.
        let isReplay: Bool

        /// Enough inputs were read, and none took longer than a second.
        package func isFine(atLeast wanted: Int) -> Bool {
            (isReplay || count >= wanted) && longest < .seconds(1)
        }

        package var description: String {
            "\(name): \(count) inputs, the slowest took \(longest); "
                + "to repeat it: MOLT_FUZZ_SEED=\(seed) MOLT_FUZZ_INPUT=\(slowest)"
        }
    }

    private let name: String
    private let samples: [[UInt8]]
    /// What means something in the format, to be put where it does not belong.
    private let pieces: [[UInt8]]
    private let seconds: Double
    private let seed: UInt64
    private let only: UInt64?
    private let watch: Watch

    package init(_ name: String, _ samples: [String], pieces: [String] = []) {
        self.init(name, bytes: samples.map { Array($0.utf8) }, pieces: pieces)
    }

    package init(
        _ name: String, bytes: [[UInt8]], pieces: [String] = [],
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) {
        self.name = name
        samples = bytes
        self.pieces = (pieces + Self.everywhere).map { Array($0.utf8) }
        seconds = environment["MOLT_FUZZ_SECONDS"].flatMap(Double.init) ?? 2
        seed = environment["MOLT_FUZZ_SEED"].flatMap(UInt64.init) ?? 20_261_121
        only = environment["MOLT_FUZZ_INPUT"].flatMap(UInt64.init)
        watch = Watch(name, seed: seed)
    }

    /// Reads broken copies for a while.
    package func hammer(_ read: ([UInt8]) -> Void) -> Result {
        var result = Result(name: name, seed: seed, isReplay: only != nil), number = only ?? 0
        let end = ContinuousClock.now + .seconds(seconds)
        repeat {
            let bytes = input(number)
            watch.begin(number)
            result.note(number, time { read(bytes) })
            number += 1
        } while only == nil && ContinuousClock.now < end
        watch.end()
        result.report()
        return result
    }

    /// The same for a reader that has to be waited for.
    package func hammer(
        isolation: isolated (any Actor)? = #isolation, _ read: ([UInt8]) async -> Void
    ) async -> Result {
        var result = Result(name: name, seed: seed, isReplay: only != nil), number = only ?? 0
        let end = ContinuousClock.now + .seconds(seconds)
        repeat {
            let bytes = input(number)
            watch.begin(number)
            // The slow ones are read again: on a busy machine anything may be slow once.
            var taken = Duration.seconds(2)
            for _ in 0..<3 where taken > .seconds(1) {
                let start = ContinuousClock.now
                await read(bytes)
                taken = ContinuousClock.now - start
            }
            result.note(number, taken)
            number += 1
        } while only == nil && ContinuousClock.now < end
        watch.end()
        result.report()
        return result
    }

    /// The thread's own time: on a busy machine anything may take long. One that waits for ever is ended by `Watch`.
    private func time(_ body: () -> Void) -> Duration {
        let start = Self.threadTime()
        body()
        return Self.threadTime() - start
    }

    private static func threadTime() -> Duration {
        var now = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now)
        return .seconds(now.tv_sec) + .nanoseconds(now.tv_nsec)
    }

    // MARK: Inputs

    private static let everywhere = [
        "[{\"-9\\u00e9999999999e999~]},", "18446744073709551616", "-1", "1e999", "nan", "null", "\u{0}", "\u{FEFF}",
        "\"", "\\", "\n", "{", "}", ":", ",", String(repeating: "[", count: 600),
        String(repeating: "{\"a\":", count: 300),
    ]

    func input(_ number: UInt64) -> [UInt8] {
        var random = SeededNumbers(state: seed &+ number &* 0xD134_2543_DE82_EF95)
        var bytes = samples.randomElement(using: &random) ?? []
        if Int.random(in: 0..<8, using: &random) == 0, let other = samples.randomElement(using: &random) {
            bytes = bytes.prefix(Int.random(in: 0...bytes.count, using: &random))
                + other.suffix(Int.random(in: 0...other.count, using: &random))
        }
        for _ in 0..<Int.random(in: 1...8, using: &random) { edit(&bytes, &random) }
        return bytes
    }

    private func edit(_ bytes: inout [UInt8], _ random: inout SeededNumbers) {
        let at = Int.random(in: 0...bytes.count, using: &random)
        let length = min(Int.random(in: 1...60, using: &random), bytes.count - at)
        switch Int.random(in: 0..<7, using: &random) {
        case 0 where at < bytes.count: bytes[at] = UInt8.random(in: 0...255, using: &random)
        case 1 where at < bytes.count: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2: bytes.removeSubrange(at..<at + length)
        case 3:
            let piece = Array(bytes[at..<at + length])
            bytes.insert(contentsOf: piece, at: Int.random(in: 0...bytes.count, using: &random))
        case 4: bytes.removeSubrange(at...)
        case 5:
            let piece = pieces.randomElement(using: &random) ?? []
            bytes.replaceSubrange(at..<at + min(length, 8), with: piece)
        default: bytes.insert(contentsOf: pieces.randomElement(using: &random) ?? [], at: at)
        }
    }

    // MARK: What a crash leaves behind

    /// Keeps the number of the input at hand in a file, and ends the process when one takes for ever.
    private final class Watch: Sendable {
        private let path: String
        private let descriptor: Int32
        private let since = Mutex<Double?>(nil)

        init(_ name: String, seed: UInt64) {
            let path = "/tmp/molt-fuzz-\(getpid())-\(name.map { $0.isLetter ? "\($0)" : "-" }.joined())"
            self.path = path
            descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
            print("fuzzing \(name): MOLT_FUZZ_SEED=\(seed), MOLT_FUZZ_INPUT in \(path) if it ends here")
            lookLater()
        }

        deinit { close(descriptor) }

        func begin(_ number: UInt64) {
            let text = "\(number)\n"
            _ = text.withCString { pwrite(descriptor, $0, text.utf8.count, 0) }
            since.withLock { $0 = Self.now() }
        }

        func end() {
            since.withLock { $0 = nil }
            unlink(path)
        }

        private func lookLater() {
            DispatchQueue.global().asyncAfter(deadline: .now() + 1) { [weak self] in
                self?.look()
                self?.lookLater()
            }
        }

        private func look() {
            guard let start = since.withLock({ $0 }), Self.now() - start > 60 else { return }
            print("fuzzing: the input whose number is in \(path) takes longer than a minute")
            kill(getpid(), SIGABRT)
        }

        private static func now() -> Double { Double(DispatchTime.now().uptimeNanoseconds) / 1e9 }
    }
}

extension Fuzz.Result {
    fileprivate mutating func note(_ number: UInt64, _ taken: Duration) {
        count += 1
        if taken > longest { (longest, slowest) = (taken, number) }
    }

    fileprivate func report() {
        Trial.report("fuzzing", ["inputs": Double(count), "most s for an input": longest / .seconds(1)])
    }
}

/// Numbers that follow from a seed (splitmix64).
package struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    package init(state: UInt64) {
        self.state = state
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
