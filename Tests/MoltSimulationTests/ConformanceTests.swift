import FoundationEssentials
import MoltCore
import MoltSimulation
import Testing

/// The model of Slurm shows what a real Slurm showed, in the same order. `Scripts/record-traces` makes the traces.
struct ConformanceTests {
    private struct RecordedTrace: Decodable {
        var experiment: String
        var recordedWith: String
        var seen: [String]
    }

    private static let folder =
        "/" + #filePath.split(separator: "/").dropLast().joined(separator: "/") + "/Traces"

    private func recorded(_ experiment: Experiment) throws -> [String] {
        let trace = try JSONFile.read(RecordedTrace.self, from: "\(Self.folder)/\(experiment.rawValue).json")
        #expect(trace.experiment == experiment.rawValue)
        #expect(trace.recordedWith.hasPrefix("slurm"))
        return trace.seen
    }

    @Test(arguments: Experiment.allCases)
    func theModelShowsWhatSlurmShowed(_ experiment: Experiment) throws {
        let real = try recorded(experiment), model = experiment.seen()
        #expect(real.count > 0)
        let extra = Self.removing(real, from: model)
        #expect(extra != nil, "Slurm showed \(real), the model \(model)")
        // What lasts a moment only may pass between two looks at the real one.
        for sight in extra ?? [] { #expect(Self.isBrief(sight), "only the model shows '\(sight)': \(real)") }
    }

    @Test func everyTraceHasItsExperiment() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder).filter { $0.hasSuffix(".json") }
        #expect(Set(names) == Set(Experiment.allCases.map { "\($0.rawValue).json" }))
    }

    @Test func anExperimentIsTheSameEachTime() {
        for experiment in Experiment.allCases { #expect(experiment.seen() == experiment.seen()) }
    }

    /// What is left of `whole` without `part`; nil when `part` does not lie in it in this order.
    private static func removing(_ part: [String], from whole: [String]) -> [String]? {
        var rest: [String] = []
        var wanted = part[...]
        for item in whole {
            if item == wanted.first { wanted.removeFirst() } else { rest.append(item) }
        }
        return wanted.isEmpty ? rest : nil
    }

    private static func isBrief(_ sight: String) -> Bool {
        sight.contains("+COMPLETING") || sight == "PENDING" || sight == "PENDING restarts=1"
    }
}
