import MoltCore
import MoltLifecycle
import Testing

/// What is read from logs and exit records is what a person would read from them.
struct CorpusTests {
    @Test func atLeastNinetyFiveOfAHundredEndsAreNamedRight() throws {
        let samples = try Sample.all()
        try #require(samples.count >= 60)
        var confusion: [String: [String]] = [:]
        for sample in samples {
            let found = sample.end.cause
            guard found != sample.cause else { continue }
            let finding = sample.end.finding.map { " by \($0.signature)" } ?? ""
            confusion["\(sample.cause.rawValue) taken for \(found.rawValue)", default: []].append(sample.name + finding)
        }
        let wrong = confusion.values.reduce(0) { $0 + $1.count }
        print("corpus: \(samples.count - wrong) of \(samples.count) right")
        for (pair, names) in confusion.sorted(by: { $0.key < $1.key }) {
            print("  \(pair): \(names.joined(separator: ", "))")
        }
        #expect(Double(samples.count - wrong) >= 0.95 * Double(samples.count), "\(confusion)")
    }

    /// So that no cause is right merely because nobody tried it.
    @Test func theCorpusHasEveryCauseThatAnEndCanHave() throws {
        let tried = Set(try Sample.all().map(\.cause))
        #expect(Set(Cause.allCases).subtracting(tried) == [.requeued], "it is the user's doing, and leaves no log")
    }

    /// Covers I4.
    @Test func theMachineIsBlamedForItsHardwareOnly() throws {
        let broken = Set(try Sample.all().filter { $0.end.finding?.isHardware == true }.map(\.name))
        #expect(broken.isSuperset(of: ["xid-79-in-the-log", "double-bit-ecc", "gpu-lost-under-nvidia-smi"]))
        #expect(broken.isDisjoint(with: ["illegal-memory-access", "device-side-assertion", "nccl-remote-error"]))
    }

    /// A program may print what Slurm prints, about other jobs; only Slurm's own output counts.
    @Test func aNoticeOfSlurmIsBelievedFromSlurmOnly() {
        let line = "slurmstepd: error: *** JOB 7 ON n1 CANCELLED AT 2026-11-21T08:00:00 DUE TO TIME LIMIT ***"
        #expect(Finding.of([LogTail(.scheduler, line)])?.cause == .wallTime)
        #expect(Finding.of([LogTail(.rank(0), line)]) == nil)
    }

    /// What the site's own set-up lines leave behind is there at every end.
    @Test func theProgramsOwnWordsBeatTheNoiseAroundTheJob() {
        let noise = LogTail(.scheduler, "/etc/profile.d/site.sh: line 3: module: command not found")
        #expect(Finding.of([noise, LogTail(.rank(0), "KeyError: 'x'")])?.signature == "key")
        #expect(Finding.of([noise])?.cause == .userError)
    }

    @Test func aLongLogOfNothingIsReadQuicklyAndSaysNothing() {
        let line = String(repeating: "step 12 loss 3.1 ", count: 400)
        let text = Array(repeating: line, count: 2000).joined(separator: "\n")
        let clock = ContinuousClock()
        let time = clock.measure { #expect(Finding.of([LogTail(.rank(0), text)]) == nil) }
        #expect(time < .seconds(5))
    }
}
