import FoundationEssentials
import MoltTesting
import Testing

/// The plugin reads what users type and what jobs inherit, some of it as root.
@Suite(.serialized) struct PluginFuzzTests {
    /// `MOLT_FUZZ_SECONDS` and `MOLT_FUZZ_SEED` are those of the other parsers.
    ///
    /// Covers N17.
    @Test func randomOptionsAndEnvironmentsDoNoHarmUnderTheSanitizers() async throws {
        let folder = TemporaryFolder("fuzz"), environment = ProcessInfo.processInfo.environment
        let seconds = environment["MOLT_FUZZ_SECONDS"].flatMap(Double.init) ?? 4
        let seed = environment["MOLT_FUZZ_SEED"].flatMap(UInt64.init) ?? 20_261_121
        let check = try await Testbed.offPool {
            Plugin.make(["check", "OUT=\(folder.path)", "FUZZ_SECONDS=\(seconds)", "FUZZ_SEED=\(seed)"])
        }
        #expect(check.status == 0, "\(check.output)")
        #expect(check.output.contains("epochs, clocks, devices and ends are as they must be"))
        let told = try #require(check.output.split(separator: "\n").last { $0.contains("nothing wrong") })
        #expect(told.contains("(seed \(seed))"), "\(told)")
        let count = try #require(told.split(separator: " ").first.flatMap { Double($0) })
        #expect(count > 1000 * seconds, "\(told)")
        print("fuzzing plugin options: \(told)")
        Trial.report("fuzzing", ["inputs": count])
    }
}
