import FoundationEssentials
import MoltCore
import MoltTesting
import Testing

struct EvaluationFolderTests {
    private let folder = TemporaryFolder("evaluations")

    private static func report(_ moment: Double) -> EvaluationReport {
        EvaluationReport(
            task: "needle", checkpoint: "c", step: nil, createdAt: moment, seconds: 0, settings: [:], axes: [],
            intervals: "", points: [.init(count: 3, measures: [.init("loss", 2.5, low: 2, high: 3)])])
    }

    @Test func theNewestReportsAreReadInOrderAndWhatIsNoneIsTold() throws {
        let run = RunFolder(path: folder("run"))
        #expect(EvaluationFolder.names(run, newest: 3) == [])
        try DurableFile.makeFolder(run.evaluations)
        for moment in 1...4 {
            try JSONFile.write(Self.report(Double(moment)), to: "\(run.evaluations)/\(1000 + moment)-needle.json")
        }
        try DurableFile.write(Data("{}".utf8), to: "\(run.evaluations)/1003-other.json")
        try DurableFile.write(Data("no".utf8), to: "\(run.evaluations)/9000-needle.txt")
        let large = Data(count: EvaluationFolder.bytesMax + 1)
        try DurableFile.write(large, to: "\(run.evaluations)/1009-large.json")
        let names = EvaluationFolder.names(run, newest: 4)
        #expect(names == ["1003-needle", "1003-other", "1004-needle", "1009-large"])
        let found = EvaluationFolder.read(run, names)
        #expect(found.reports.map(\.name) == ["1003-needle", "1004-needle"])
        #expect(found.reports.map(\.report) == [3, 4].map { Self.report($0) })
        #expect(found.problems.count == 2 && found.problems[0].contains("1003-other.json"), "\(found.problems)")
    }
}
