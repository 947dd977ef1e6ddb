import FoundationEssentials
import MoltAPI
import MoltCore
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Through the built programs and a daemon of their own.
@Suite(.serialized)
struct EvaluationCommandTests {
    /// Evaluates itself at two steps; validates as it goes.
    private static let program = """
        mkdir -p "$MOLT_RUN_DIR/evaluations"
        for step in 10 20; do
            echo "{\\"step\\": $step, \\"steps\\": 20, \\"loss\\": 3.5, \\"validation_loss\\": $((40 - step)).5}" \
                >>"$MOLT_PROGRESS_FILE"
            sed "s/STEP/$step/g" report.json >"$MOLT_RUN_DIR/evaluations/10$step-recall.json"
        done
        """

    @Test func whatARunFoundIsInTheStoreAndShown() async throws {
        let molt = try Molt()
        let report = EvaluationReport(
            task: "recall", checkpoint: "/c/step-STEP", step: nil, createdAt: 1000, seconds: 1, settings: ["seed": "1"],
            axes: ["pairs"], intervals: "Wilson, 95 %",
            points: [4.0, 8].map { .init(at: ["pairs": $0], count: 8, measures: [.share("exact", 6, of: 8)]) })
        let text = String(decoding: try JSONFile.encode(report), as: UTF8.self)
        try molt.write(text.replacing("\"seconds\"", with: "\"step\":STEP,\"seconds\""), to: "report.json")
        try molt.write(Self.program, to: "program.sh")
        try molt.write("name: asked\ntask: command\ncommand: [sh, program.sh]\n", to: "r.yaml")
        let answer = try molt("submit", "r.yaml", "--wait")
        #expect(answer.status == 0, "\(answer.error)")
        let run = String(answer.out.prefix(RunID.length))
        let shown = try molt("eval", "show", "asked")
        for part in ["recall  2 reports", "exact by pairs", "0.750 [", "validation loss, 30.5000"] {
            #expect(shown.out.contains(part), "\(part): \(shown.out)\(shown.error)")
        }
        #expect(try molt("show", run).out.contains("recall  2 reports"))
        let detail = try JSONDecoder().decode(RunDetail.self, from: Data(try molt("show", run, "--json").out.utf8))
        #expect(detail.evaluations.map(\.step) == [10, 20])
        // What lies in the store outlives the files, and the daemon.
        try FileManager.default.removeItem(atPath: RunFolder(path: detail.runFolder).evaluations)
        let daemon = try #require(molt.daemonFile)
        molt.stopDaemon()
        try await molt.until("the daemon is gone") { !daemon.process.isAlive }
        let json = try molt("eval", "show", run, "--last", "1", "--json")
        let list = try JSONDecoder().decode(EvaluationList.self, from: Data(json.out.utf8))
        #expect(list.evaluations.map(\.step) == [20] && list.total == 2 && list.run == run)
        #expect(list.validation == [.init(step: 10, loss: 30.5), .init(step: 20, loss: 20.5)])
        #expect(try molt("eval", "show", run).out == shown.out)
    }

    /// An engine that says what it was asked, and leaves a report as ours does.
    private static let engine = """
        #!/bin/sh
        printf '%s\\n' "$@" >words
        cat words >>all-words
        for word in "$@"; do
            case $word in --run-folder=*) folder=${word#--run-folder=} ;; esac
        done
        [ "$1" != evaluate ] || { mkdir -p "$folder/evaluations" && cp report.json "$folder/evaluations/1000-a.json"; }
        cat report.json
        """

    /// A copy of `molt` with that engine beside it.
    private func withEngine() throws -> (molt: Molt, program: String) {
        let molt = try Molt(), programs = molt.folder("programs")
        try DurableFile.makeFolder(programs)
        try FileManager.default.createSymbolicLink(
            atPath: "\(programs)/moltd", withDestinationPath: "\(molt.programs)/moltd")
        try molt.write(Self.engine, to: "engine")
        try #require(chmod(molt.folder("engine"), 0o700) == 0)
        // In processes of their own: what another test starts meanwhile would hold a file that we write ourselves open,
        // and what is open for writing cannot be executed.
        for (from, to) in [("\(molt.programs)/molt", "molt"), (molt.folder("engine"), "molt-train")] {
            let copied = try molt.run("/bin/cp", ["-p", from, "\(programs)/\(to)"])
            try #require(copied.status == 0, "\(copied.error)")
        }
        return (molt, "\(programs)/molt")
    }

    private static let report = EvaluationReport(
        task: "recall", checkpoint: "/c", step: 7, createdAt: 1000, seconds: 1, settings: [:], axes: [],
        intervals: "none", points: [.init(count: 8, measures: [.share("exact", 6, of: 8)])])

    @Test func whatIsMeasuredIsInTheStoreAtOnce() throws {
        let (molt, program) = try withEngine()
        try JSONFile.write(Self.report, to: molt.folder("report.json"))
        try molt.write("name: asked\ntask: command\ncommand: [\"true\"]\n", to: "r.yaml")
        let submitted = try molt("submit", "r.yaml", "--wait")
        #expect(submitted.status == 0, "\(submitted.error)")
        let answer = try molt.run(program, ["eval", "asked", "--task", "recall", "--sizes", "4,8", "--json"])
        #expect(try JSONDecoder().decode(EvaluationReport.self, from: Data(answer.out.utf8)) == Self.report)
        let detail = try JSONDecoder().decode(RunDetail.self, from: Data(try molt("show", "asked", "--json").out.utf8))
        #expect(try molt.text(molt.folder("words")) == """
            evaluate
            --run-folder=\(detail.runFolder)
            --task=recall
            --sizes
            4,8

            """)
        try FileManager.default.removeItem(atPath: RunFolder(path: detail.runFolder).evaluations)
        #expect(try molt("eval", "show", "asked").out.hasPrefix("recall  c"))
    }

    /// Steps 10 to 30, of which 20 was the best; 20 was saved again after a rewind.
    @Test(arguments: [
        ("all", ["10-e1", "20-e1", "20-e2", "30-e2"]), ("best", ["20-e1"]), ("20", ["20-e2"]), ("25", []),
    ]) func checkpointsOfARunAreMeasured(_ wanted: String, _ expected: [String]) throws {
        let (molt, program) = try withEngine()
        try JSONFile.write(Self.report, to: molt.folder("report.json"))
        let checkpoints = CheckpointFolder(path: RunFolder(path: molt.folder("run")).checkpoints)
        for (step, epoch, loss) in [(10, 1, "3"), (20, 1, "2"), (20, 2, "2.5"), (30, 2, "2.25")] {
            let folder = checkpoints.folder(of: CheckpointName(step: step, epoch: epoch))
            try DurableFile.makeFolder(folder)
            let manifest = CheckpointManifest(
                run: "r", step: step, epoch: epoch, files: [], recipeHash: "", architecture: [:], worldSize: 1,
                state: [CheckpointManifest.validationLossKey: loss], savedAt: 0)
            try JSONFile.write(manifest, to: "\(folder)/\(CheckpointManifest.fileName)")
        }
        let words = ["eval", "./run", "--task", "recall", "--checkpoint", wanted, "--json"]
        let answer = try molt.run(program, words)
        guard !expected.isEmpty else {
            #expect(answer.status == 2 && answer.error.contains("one of the steps 10, 20, 20, 30, best or all"))
            return
        }
        let folders = try molt.text(molt.folder("all-words")).split(separator: "\n").filter { $0.hasPrefix("--run") }
        #expect(folders.map { $0.suffix(expected[0].count) } == expected.map { $0[...] })
        let data = Data(answer.out.utf8)
        if wanted == "all" {
            #expect(try JSONDecoder().decode([EvaluationReport].self, from: data).count == expected.count)
        } else {
            #expect(try JSONDecoder().decode(EvaluationReport.self, from: data) == Self.report)
        }
    }

    @Test(arguments: [
        (
            ["export", "./run", "--out", "peft", "--json"],
            ["export", "--run-folder", "@/./run", "--out", "@/peft", "--json"]
        ),
        (
            ["import", "peft", "--base", "./run", "--out", "/x"],
            ["import", "@/peft", "--base", "@/./run", "--out", "/x"]
        ),
        (["merge", "./run", "--out", "whole"], ["merge", "--run-folder", "@/./run", "--out", "@/whole"]),
    ]) func theVerbsForAdaptersReachTheEngine(_ words: [String], _ expected: [String]) throws {
        let (molt, program) = try withEngine()
        try molt.write("{}", to: "report.json")
        let answer = try molt.run(program, ["model", "adapter"] + words)
        #expect(answer.status == 0 && answer.out == "{}", "\(answer.error)")
        let told = try molt.text(molt.folder("words")).split(separator: "\n").map(String.init)
        #expect(told == ["adapter"] + expected.map { $0.replacing("@", with: molt.folder.path) })
    }
}
