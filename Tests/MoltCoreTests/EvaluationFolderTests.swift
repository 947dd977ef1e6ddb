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

    @Test func theNewestReportsAreReadInOrderAndWhatIsNoneIsPassedOver() throws {
        let run = RunFolder(path: folder("run"))
        #expect(EvaluationFolder.read(run, newest: 3) == [])
        try DurableFile.makeFolder(run.evaluations)
        for moment in 1...4 {
            try JSONFile.write(Self.report(Double(moment)), to: "\(run.evaluations)/\(1000 + moment)-needle.json")
        }
        try DurableFile.write(Data("{}".utf8), to: "\(run.evaluations)/1003-other.json")
        try DurableFile.write(Data("no".utf8), to: "\(run.evaluations)/9000-needle.txt")
        let large = Data(count: EvaluationFolder.bytesMax + 1)
        try DurableFile.write(large, to: "\(run.evaluations)/1009-large.json")
        #expect(EvaluationFolder.read(run, newest: 10) == (1...4).map { Self.report(Double($0)) })
        #expect(EvaluationFolder.read(run, newest: 4).map(\.createdAt) == [3, 4])
    }
}
