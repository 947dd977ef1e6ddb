import FoundationEssentials
import MoltAPI
import MoltCore
import Testing

struct WireTests {
    private struct Anything: Decodable {
        init(from decoder: any Decoder) throws {}
    }

    private func keys(_ value: some Encodable) throws -> Set<String> {
        Set(try JSONDecoder().decode([String: Anything].self, from: JSONFile.encode(value)).keys)
    }

    private func sample() -> RunDetail {
        var summary = RunSummary(
            id: "7k2mabcd", name: "demo", state: .running, recipe: "demo.yaml", site: "local", attempt: 1,
            incarnations: 2, createdAt: 1_000.5)
        summary.step = 12
        summary.loss = 2.5
        var start = IncarnationDetail(number: 0, epoch: 1, nodes: ["n1"], startedAt: 1_001)
        start.outcome = "preempted"
        let attempt = AttemptDetail(number: 1, jobID: 77, state: "claimed", incarnations: [start])
        return RunDetail(
            summary: summary, runFolder: "/runs/7k2mabcd", workingDirectory: "/home/u", host: "h", attempts: [attempt],
            checkpoints: [CheckpointDetail(step: 10, epoch: 1, path: "/c", verified: true)])
    }

    @Test func aRunKeepsEverythingOnTheWire() throws {
        var detail = sample()
        detail.evaluations = [
            EvaluationReport(
                task: "recall", checkpoint: "/c", step: 10, createdAt: 2, seconds: 1, settings: ["seed": "1"],
                axes: ["pairs"], intervals: "Wilson, 95 %",
                points: [.init(at: ["pairs": 4], count: 8, measures: [.share("exact", 2, of: 8)])])
        ]
        #expect(try JSONDecoder().decode(RunDetail.self, from: JSONFile.encode(detail)) == detail)
    }

    @Test func aListOfEvaluationsAndItsQuerySurviveTheWire() throws {
        var list = EvaluationList(run: "7k2m", name: "demo", evaluations: [], total: 7)
        list.validation = [.init(step: 10, loss: 2.5)]
        list.problems = ["cannot read a.json"]
        #expect(try JSONDecoder().decode(EvaluationList.self, from: JSONFile.encode(list)) == list)
        for query in [EvaluationQuery(task: "phone-book", limit: 7), EvaluationQuery()] {
            let fields = Dictionary(uniqueKeysWithValues: query.parameters)
            #expect(try EvaluationQuery(parameter: { fields[$0] }) == query)
        }
    }

    @Test(arguments: ["0", "-1", "many", "1001", ""]) func aWrongCountOfEvaluationsIsRefused(_ limit: String) {
        #expect(throws: APIError.self) { try EvaluationQuery(parameter: { $0 == "limit" ? limit : nil }) }
    }

    @Test func showHasEveryPromisedKeyEvenWhenEmpty() throws {
        let bare = RunDetail(
            summary: RunSummary(id: "a", name: "b", state: .queued, recipe: "r", site: "s", createdAt: 0),
            runFolder: "/r", workingDirectory: "/w", host: "h")
        let promised = [
            "id", "name", "state", "recipe", "site", "step", "steps", "loss", "tokensPerSecond", "createdAt",
            "startedAt", "finishedAt", "pendingReason", "attempts", "checkpoints", "lastError",
        ]
        let found = try keys(bare)
        for key in promised { #expect(found.contains(key), "\(key) is missing") }
        let attempt = try keys(AttemptDetail(number: 1, state: "intent"))
        #expect(Set(["number", "jobID", "state", "outcome", "incarnations"]).isSubset(of: attempt))
        let start = try keys(IncarnationDetail(number: 0))
        #expect(Set(["number", "epoch", "nodes", "startedAt", "endedAt", "outcome"]).isSubset(of: start))
        let checkpoint = try keys(CheckpointDetail(step: 1, epoch: 1, path: "/", verified: false))
        #expect(Set(["step", "epoch", "path", "verified"]).isSubset(of: checkpoint))
    }

    @Test func anErrorHasOneShape() throws {
        let error = APIError(.notFound, "no such run", at: "abc", fix: "molt ls")
        let text = String(decoding: try JSONFile.encode(ErrorAnswer(error)), as: UTF8.self)
        #expect(text == #"{"error":{"code":"notFound","fix":"molt ls","what":"no such run","where":"abc"}}"#)
        #expect(error.userError.description == "abc: no such run\n  molt ls")
    }

    @Test(arguments: APIError.Code.allCases)
    func everyErrorHasAStatusAndAnExitCode(_ code: APIError.Code) {
        #expect((400...599).contains(code.status))
        #expect(code.commandExit != .success)
    }

    @Test(arguments: ["7k2m", "my run", "../../etc", "a/b?c#d", "ünïcode🦊", "%41", ".", "..", "a\nb"])
    func anyReferenceIsOnePathComponent(_ reference: String) {
        let path = Routes.run(reference)
        let tail = path.dropFirst(Routes.runs.count + 1)
        #expect(!tail.contains("/") && !tail.contains("?") && !tail.contains("#") && tail != "..")
        #expect(Routes.unescaped(String(tail)) == reference)
    }

    @Test(arguments: ["%", "%4", "%zz", "%ff"])
    func brokenEscapesAreNoText(_ text: String) {
        #expect(Routes.unescaped(text) == nil)
    }

    @Test func queriesSurviveTheirParameters() throws {
        let query = RunQuery(limit: 7, all: true, states: [.running, .held], name: "x y")
        let fields = Dictionary(uniqueKeysWithValues: query.parameters)
        #expect(try RunQuery(parameter: { fields[$0] }) == query)
        let log = LogQuery(attempt: 2, incarnation: 1, rank: 3, offset: 99, tail: 10)
        let pieces = Dictionary(uniqueKeysWithValues: log.parameters)
        #expect(try LogQuery(parameter: { pieces[$0] }) == log)
    }

    @Test(arguments: [["states": "runing"], ["limit": "0"], ["limit": "many"]])
    func wrongQueriesAreErrorsRatherThanEmptyLists(_ fields: [String: String]) {
        #expect(throws: APIError.self) { try RunQuery(parameter: { fields[$0] }) }
    }

    @Test func aNegativeOffsetIsRefused() {
        #expect(throws: APIError.self) { try LogQuery(parameter: { $0 == "offset" ? "-1" : nil }) }
    }
}
