import FoundationEssentials
import MoltAPI
import MoltCommands
import MoltCore
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// `molt daemon install` and `rebuild`.
@Suite(.serialized)
struct UserUnitTests {
    private func unit(_ home: String = "/home/me/.molt") throws -> String {
        try UserUnit(program: "/opt/molt/current/bin/moltd", environment: [(name: "MOLT_HOME", value: home)]).text
    }

    @Test func theUnitRestartsOnFailureAndLeavesJobsAlone() throws {
        let lines = try unit().split(separator: "\n").map(String.init)
        #expect(lines.first == UserUnit.mark)
        for line in [
            #"ExecStart="/opt/molt/current/bin/moltd" --idle-exit never"#, #"Environment="MOLT_HOME=/home/me/.molt""#,
            "Restart=on-failure", "RestartPreventExitStatus=75", "KillMode=process", "WantedBy=default.target",
        ] { #expect(lines.contains(line), "\(line)") }
    }

    @Test(arguments: [
        ("/a b/.molt", #"Environment="MOLT_HOME=/a b/.molt""#), ("/50%/x", #"Environment="MOLT_HOME=/50%%/x""#),
        (#"/a"b\c"#, #"Environment="MOLT_HOME=/a\"b\\c""#), ("/a$HOME", #"Environment="MOLT_HOME=/a$HOME""#),
    ])
    func pathsAreQuotedForSystemd(_ home: String, _ line: String) throws {
        #expect(try unit(home).split(separator: "\n").contains(Substring(line)))
    }

    @Test(arguments: ["/a\nExecStart=/bin/evil", "/a\u{7}"])
    func controlCharactersAreRefused(_ home: String) {
        #expect(throws: UserError.self) { try unit(home) }
    }

    @Test func anUpgradeReachesTheUnitOnlyWhereThisIsTheCurrentVersion() {
        let links = ["/opt/molt/current/bin": "/opt/molt/2/bin", "/opt/molt/2/bin": "/opt/molt/2/bin",
            "/opt/molt/1/bin": "/opt/molt/1/bin"]
        func program(_ folder: String) -> String { UserUnit.program(in: folder) { links[$0] } }
        #expect(program("/opt/molt/2/bin") == "/opt/molt/current/bin/moltd")
        #expect(program("/opt/molt/1/bin") == "/opt/molt/1/bin/moltd")
        #expect(program("/src/.build/debug") == "/src/.build/debug/moltd")
    }

    @Test func aUnitOfSomebodyElsesIsLeftAlone() throws {
        let molt = try Molt(), path = molt.folder("config/systemd/user/moltd.service")
        let printed = try molt("daemon", "install", "--print")
        #expect(printed.status == 0 && printed.out.hasPrefix(UserUnit.mark) && printed.out.contains(molt.home))
        #expect(access(path, F_OK) != 0)
        let first = try molt("daemon", "install")
        #expect(first.status == 0 && first.out.contains("systemctl --user enable --now moltd"), "\(first.error)")
        #expect(try molt.text(path) == printed.out)
        #expect(try molt("daemon", "install").status == 0)
        try DurableFile.write(Data("[Service]\nExecStart=/mine\n".utf8), to: path)
        let refused = try molt("daemon", "install")
        #expect(refused.status == 1 && refused.error.contains("--print"), "\(refused.error)")
        #expect(try molt.text(path).contains("/mine"))
    }

    @Test(arguments: [["daemon", "status"], ["daemon", "stop"], ["ls"]])
    func aDaemonFileThatCannotBeReadIsNotTakenForNoDaemon(_ words: [String]) throws {
        let molt = try Molt()
        try DurableFile.makeFolder("\(molt.home)/daemon.json")
        let answer = try molt.run("\(molt.programs)/molt", words)
        #expect(answer.status == 3 && answer.error.contains("it cannot be seen whether"), "\(answer.error)")
    }

    /// Covers H5.
    @Test func aRebuiltDatabaseKnowsTheRunsAndTheOldOneIsKept() async throws {
        let molt = try Molt()
        let line = #"{"step": 7, "steps": 7, "loss": 2.5}"#
        try molt.write(
            "name: quick\ntask: command\ncommand: [sh, -c, 'echo ''\(line)'' >>\"$MOLT_PROGRESS_FILE\"']\n",
            to: "r.yaml")
        let run = String(try molt("submit", "r.yaml", "--wait").out.prefix(RunID.length))
        let asked = try molt("daemon", "rebuild")
        #expect(asked.status == 1 && asked.error.contains("1 runs") && asked.error.contains("--yes"), "\(asked.error)")
        let done = try molt("daemon", "rebuild", "--yes")
        #expect(done.status == 0 && done.out.hasPrefix("1 runs found"), "\(done.out) \(done.error)")
        let aside = try FileManager.default.contentsOfDirectory(atPath: molt.home).filter { $0.hasPrefix("replaced-") }
        #expect(aside.count == 1)
        #expect(access("\(molt.home)/\(aside.first ?? "")/molt.sqlite", F_OK) == 0)
        // What it did is read while the daemon serves already.
        try await molt.until("the run's steps are back") {
            let shown = try JSONDecoder().decode(RunDetail.self, from: Data(molt("show", run, "--json").out.utf8))
            return shown.summary.step == 7 && shown.summary.loss == 2.5 && shown.summary.incarnations == 1
        }
        // Beyond reading, and no copy: nobody need be asked.
        #expect(try molt("daemon", "stop").status == 0)
        try molt.write(String(repeating: "junk", count: 4096), to: "home/molt.sqlite")
        try? FileManager.default.removeItem(atPath: "\(molt.home)/backups")
        #expect(try molt("ls").status != 0)
        let again = try molt("daemon", "rebuild", "--json")
        #expect(again.status == 0 && again.out.contains(#""runs" : 1"#), "\(again.out) \(again.error)")
        #expect(try molt("show", run).status == 0)
    }
}
