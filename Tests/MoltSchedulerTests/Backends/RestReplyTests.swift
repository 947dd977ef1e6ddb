import FoundationEssentials
import MoltBackends
import MoltCore
import MoltHTTP
import MoltScheduler
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// slurmrestd's answers: v0.0.38 recorded from a real server, 39 and 40 written after the published schemas; for 41 to
/// 44 see `RestLaterVersionTests`.
@Suite struct RestReplyTests {
    static let recorded38 = """
        {"meta": {"plugin": {"type": "openapi\\/v0.0.38"}, "Slurm": {"version": {"major": 22}, "release": "22.05.8"}},
         "errors": [],
         "jobs": [{"account": "", "array_task_id": null, "batch_flag": true, "comment": "molt:1:abc",
           "eligible_time": 1795278704, "end_time": 1795282308, "exit_code": 0, "flags": [], "job_id": 7,
           "job_resources": {"nodes": "n1"}, "job_state": "COMPLETING", "name": "bot.0123456789", "nodes": "n[1-2]",
           "partition": "low", "preempt_time": 0, "restart_cnt": 1, "start_time": 1795278708,
           "state_description": "", "state_reason": "None", "submit_time": 1795278704, "time_limit": 60,
           "user_id": 1002, "user_name": "ada"}]}
        """
    static let written40 = """
        {"meta": {"slurm": {"version": {"major": "24"}, "release": "24.05.3"}}, "errors": [], "warnings": [],
         "last_update": {"set": true, "infinite": false, "number": 1795278710},
         "jobs": [{"comment": "molt:1:abc", "eligible_time": {"set": true, "infinite": false, "number": 1795278704},
           "end_time": {"set": true, "infinite": false, "number": 1795282308},
           "exit_code": {"status": ["ERROR"], "return_code": {"set": true, "infinite": false, "number": 75},
             "signal": {"id": {"set": false, "infinite": false, "number": 0}, "name": ""}},
           "job_id": 7, "job_state": ["PENDING", "COMPLETING"], "name": "bot.0123456789", "nodes": "n[1-2]",
           "partition": "low", "preempt_time": {"set": true, "infinite": false, "number": 0}, "restart_cnt": 1,
           "start_time": {"set": true, "infinite": false, "number": 1795278708}, "state_description": "",
           "state_reason": "None", "submit_time": {"set": true, "infinite": false, "number": 1795278704},
           "time_limit": {"set": true, "infinite": false, "number": 60}, "user_id": 1002, "user_name": "ada"}]}
        """
    static let written39 = written40.replacing("[\"PENDING\", \"COMPLETING\"]", with: "\"COMPLETING\"")
        .replacing("{\"set\": true, \"infinite\": false, \"number\": 1795278704}", with: "1795278704")

    private func job(_ text: String) throws -> JobStatus? {
        try RestReply.read(Data(text.utf8)).jobs?.first?.status(asOf: 1_795_278_709) { _ in false }
    }

    @Test(arguments: [recorded38, written39, written40])
    func aJobReadsTheSameInEveryVersion(_ text: String) throws {
        let job = try #require(try job(text))
        #expect(job.job == 7 && job.userID == 1002 && job.name == "bot.0123456789" && job.comment == "molt:1:abc")
        #expect(job.state == .pending && job.flags == .completing && job.restartCount == 1)
        #expect(job.nodes == ["n1", "n2"] && job.partition == "low" && job.timeLimit == 3600)
        #expect(job.submittedAt == 1_795_278_704 && job.startedAt == 1_795_278_708 && job.preemptedAt == nil)
    }

    @Test func theExitIsAWaitWordInEveryForm() throws {
        #expect(try job(Self.written40)?.exitStatus == 75)
        let forms: [(String, Int32)] = [
            ("768", 3 << 8), ("{\"set\": true, \"number\": 768}", 3 << 8), ("null", 0),
            ("{\"return_code\": {\"number\": 0}, \"signal\": {\"id\": {\"number\": 9}}}", 9),
            ("{\"return_code\": 1, \"signal\": {\"signal_id\": 0}}", 1 << 8), ("-5", 0), ("1e300", 0),
        ]
        for (form, word) in forms {
            let text = Self.recorded38.replacing("\"exit_code\": 0", with: "\"exit_code\": \(form)")
            #expect(try job(text)?.exitWord == word, "\(form)")
        }
    }

    @Test func noLimitIsWrittenInManyWays() throws {
        let infinite = "{\"set\": true, \"infinite\": true, \"number\": 0}"
        for form in ["null", "-1", "4294967295", infinite, "{\"set\": false}"] {
            let text = Self.recorded38.replacing("\"time_limit\": 60", with: "\"time_limit\": \(form)")
            #expect(try job(text)?.timeLimit == nil, "\(form)")
        }
    }

    /// The forms of v0.0.38, v0.0.39 to v0.0.41, and v0.0.42 on, with the words and without.
    @Test(arguments: [
        (#"{"pings": [{"hostname": "a", "ping": "UP", "mode": "primary"}]}"#, true),
        (#"{"pings": [{"hostname": "a", "ping": "DOWN"}, {"hostname": "b", "ping": "UP"}]}"#, true),
        (#"{"pings": [{"hostname": "a", "pinged": "UP", "latency": 211}]}"#, true),
        (#"{"pings": [{"hostname": "a", "pinged": "DOWN", "latency": 211}]}"#, false),
        (#"{"pings": [{"hostname": "a", "pinged": "UP", "responding": true, "primary": true}]}"#, true),
        (#"{"pings": [{"hostname": "a", "responding": true, "latency": 9, "primary": true}]}"#, true),
        (#"{"pings": [{"hostname": "a", "responding": false, "primary": true}]}"#, false),
        (#"{"pings": []}"#, false), (#"{}"#, false),
    ])
    func aControllerThatIsUpIsKnownInEveryVersion(_ text: String, _ isUp: Bool) throws {
        #expect(try RestReply.read(Data(text.utf8)).pings?.contains(where: \.isUp) ?? false == isUp)
    }

    /// v0.0.40 and later repeat a job's number; a server that sends one of the two forms only is understood.
    @Test(arguments: [
        #"{"job_id": 12, "step_id": "batch", "error_code": 0, "error": "No error", "errors": []}"#,
        #"{"result": {"job_id": 12, "step_id": {"job_id": 12}, "error_code": 0}, "errors": [], "warnings": []}"#,
        #"{"job_id": 12, "result": {"job_id": 12}, "job_submit_user_msg": "", "warnings": [{"description": "x"}]}"#,
    ])
    func anAcceptedJobsNumberIsFound(_ text: String) throws {
        let reply = try RestReply.read(Data(text.utf8))
        #expect((reply.jobID ?? reply.result?.jobID)?.count == 12)
    }

    @Test func theReleaseIsFoundUnderBothNames() throws {
        #expect(try RestReply.read(Data(Self.recorded38.utf8)).meta?.release == "22.05.8")
        #expect(try RestReply.read(Data(Self.written40.utf8)).meta?.release == "24.05.3")
    }

    /// Slurm takes names that are no text (0xff), and slurmrestd passes them on as they are.
    @Test func anotherUsersBrokenNameHidesNothing() throws {
        let parts = Self.recorded38.split(separator: "bot.0123456789", maxSplits: 1)
        let body = Data(parts[0].utf8) + [0xff, 0xfe, 0x41] + Data(parts[1].utf8)
        #expect(try RestReply.read(body).jobs?.first?.status(asOf: 0) { _ in false }?.job == 7)
    }

    @Test(arguments: [
        "", "{", "[]", "{\"jobs\": {}}", "{\"jobs\": [{}]}", "{\"jobs\": [{\"job_id\": 1}]}", "<html>", "\u{0}",
    ])
    func whatIsNoAnswerIsAnError(_ text: String) {
        #expect(throws: (any Error).self) { try RestReply.read(Data(text.utf8)) }
    }

    @Test(arguments: [
        (["/slurm/v0.0.38/job/submit", "/slurm/v0.0.37/job/submit"], 38),
        (["/slurm/v0.0.40/job/submit", "/slurm/v0.0.42/job/submit", "/slurmdb/v0.0.43/jobs"], 42),
        (["/slurm/v0.0.99/job/submit", "/slurm/v0.0.39/job/submit"], 39),
        (["/slurm/v0.0.36/job/submit"], nil), (["/slurm/v0.0.40/ping"], nil), ([], nil), (["/openapi", "x", ""], nil),
    ] as [([String], Int?)])
    func theNewestVersionThatBothKnowIsChosen(_ paths: [String], _ number: Int?) {
        #expect(RestVersion.choose(paths: paths)?.number == number)
    }
}

/// What is sent, by version.
@Suite struct RestSubmissionTests {
    private func text(_ version: Int, release: String = "24.05.1") throws -> String {
        var request = JobRequest(
            key: .random(), name: "bot", script: "#!/bin/sh\n", workingDirectory: "/w", output: "/w/out", nodes: 2,
            ranksPerNode: 3, cpusPerRank: 4, gpusPerNode: 5)
        request.memoryPerNode = 3 << 30
        request.timeLimit = 90
        request.warning = .init(signal: 10, secondsBefore: 30)
        request.excludedNodes = ["n1", "n2"]
        request.held = true
        request.options = ["mail-type": "end,FAIL", "nodelist": "n[3-4]", "nice": "7", "tmp": "1G", "exclusive": "true"]
        let chosen = try #require(RestVersion.choose(paths: ["/slurm/v0.0.\(version)/job/submit"]))
        let body = try RestSubmission.body(request, variables: ["A": "b\nc"], version: chosen, release: release)
        return String(decoding: body, as: UTF8.self)
    }

    @Test func thePlainVersionSpeaksSbatchsWords() throws {
        let text = try text(38)
        for part in [
            "\"nodes\":\"2\"", "\"environment\":{\"A\":\"b\\nc\"}", "\"exclude_nodes\":\"n1,n2\"", "\"gres\":\"gpu:5\"",
            "\"signal\":\"10@30\"", "\"time_limit\":2", "\"memory_per_node\":3072", "\"open_mode\":\"append\"",
            "\"exclusive\":\"exclusive\"", "\"mail_type\":\"end,FAIL\"", "\"nodelist\":\"n[3-4]\"", "\"nice\":7",
            "\"temporary_disk_per_node\":\"1024M\"", "\"hold\":true", "\"requeue\":true", "\"tasks\":6",
        ] { #expect(text.contains(part), "\(part) in \(text)") }
    }

    @Test(arguments: [39, 40, 43]) func laterVersionsSpeakLibslurmsFields(_ version: Int) throws {
        let text = try text(version)
        for part in [
            "\"minimum_nodes\":2", "\"maximum_nodes\":2", "\"environment\":[\"A=b\\nc\"]",
            "\"excluded_nodes\":[\"n1\",\"n2\"]", "gpu:5\"", "\"kill_warning_signal\":\"10\"", "\"APPEND\"",
            "\"required_nodes\":[\"n3\",\"n4\"]", "\"mail_type\":[\"END\",\"FAIL\"]", "\"minimum_cpus\":24",
            "\"temporary_disk_per_node\":1024",
        ] { #expect(text.contains(part), "\(part) in \(text)") }
        let limits = ["{\"number\":2,\"set\":true}", "{\"set\":true,\"number\":2}"]
        #expect(limits.contains { text.contains("\"time_limit\":\($0)") })
    }

    /// A field that a version does not know is passed over, and the job would share its nodes.
    @Test(arguments: [
        (38, #""exclusive":"exclusive""#), (39, #""exclusive":["true"]"#), (40, #""shared":["none"]"#),
        (43, #""shared":["none"]"#), (44, #""shared":["none"]"#),
    ])
    func wholeNodesAreAskedForInTheVersionsOwnField(_ version: Int, _ field: String) throws {
        let text = try text(version)
        #expect(text.contains(field), "\(text)")
        #expect(text.contains("\"exclusive\"") != text.contains("\"shared\""), "\(text)")
    }

    @Test func theNameOfAGresDependsOnTheRelease() throws {
        #expect(try text(39, release: "23.02.7").contains("gres:gpu:5"))
        #expect(try text(40).replacing("\\/", with: "/").contains("gres/gpu:5"))
    }

    @Test(arguments: [(38, "contiguous", "true"), (38, "switches", "1"), (40, "begin", "now+1hour")])
    func whatAVersionCannotSayIsRefused(_ version: Int, _ name: String, _ value: String) throws {
        var request = JobRequest(
            key: .random(), name: "bot", script: "#!/bin/sh\n", workingDirectory: "/w", output: "/w/out")
        request.options = [name: value]
        let chosen = try #require(RestVersion.choose(paths: ["/slurm/v0.0.\(version)/job/submit"]))
        do {
            _ = try RestSubmission.body(request, variables: [:], version: chosen, release: "")
            Issue.record("written")
        } catch {
            guard case .rejected(_, let message) = error else { throw error }
            #expect(message.contains(name) && message.contains("backend: commands"))
        }
    }
}

@Suite struct RestTokenTests {
    private let folder = TemporaryFolder("token")

    private func file(_ text: String, mode: mode_t = 0o600) throws -> String {
        let path = folder("token")
        try DurableFile.write(Data(text.utf8), to: path)
        chmod(path, mode)
        return path
    }

    @Test(arguments: [("abc.def", "abc.def"), ("SLURM_JWT=abc\n", "abc"), ("abc  \n\n", "abc")])
    func aTokenFileIsRead(_ text: String, _ token: String) throws {
        #expect(try RestToken.read(try file(text)) == token)
    }

    @Test(arguments: ["", "\n", "a b", "a\u{0}b", "ünï", "SLURM_JWT="])
    func whatIsNoTokenIsRefused(_ text: String) throws {
        let path = try file(text)
        #expect(throws: RestToken.Unusable.self) { try RestToken.read(path) }
    }

    /// Covers A8.
    @Test(arguments: [
        // {"exp":1795383215,"iat":1795381415,"sun":"molt-test"}, as scontrol makes them.
        ("eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3OTUzODMyMTUsImlhdCI6MTc5NTM4MTQxNSwic3VuIjoibW9sdC10ZXN0In0.c2ln",
            1_795_383_215),
        // {"exp":1.5,"sub":"a?>~"}: letters of the URL's alphabet.
        ("e30.eyJleHAiOjEuNSwic3ViIjoiYT8-fiJ9.x", 1.5),
        ("e30.e30.x", nil), ("abc", nil), ("a.b.c", nil), ("..", nil), ("e30.eyJleHAiOiJub3cifQ.x", nil), ("", nil),
        ("e30.W10.x", nil), ("e30.eyJleHAiOjE3OTUzODMyMTV9.x.y", nil),
    ] as [(String, Double?)])
    func aTokenSaysWhenItExpires(_ token: String, _ moment: Double?) {
        #expect(RestToken.expiry(token) == moment)
    }

    /// Nobody has shown one yet: Slurm's own lifespan stands in. Who is known by a socket needs none.
    @Test func onlyATokenProvesForLong() async throws {
        func life(_ proof: RestAccess.Proof) async throws -> Double? {
            let access = RestAccess(target: .socket("/nowhere/rest.sock"), proof: proof, user: "a")
            return await RestScheduler(access: access, commands: nil).proofLife()
        }
        #expect(try await life(.socket) == nil)
        #expect(try await life(.scontrol) == 1800)
        #expect(try await life(.file(folder("missing"))) == 1800)
    }

    /// The server is not there, but the token has been read.
    @Test(arguments: [(600.0, 300.0...600.0), (1e12, 86_400...86_400), (-5, 0...0)] as [(Double, ClosedRange<Double>)])
    func theTokenInUseTellsHowLong(_ left: Double, _ life: ClosedRange<Double>) async throws {
        let claims = #"{"exp":\#(Int(Date().timeIntervalSince1970 + left))}"#
        let token = "e30." + Data(claims.utf8).base64EncodedString().filter { $0 != "=" } + ".c2ln"
        let access = RestAccess(
            target: .socket(folder("no.sock")), proof: .file(try file(token)), user: "a")
        let scheduler = RestScheduler(access: access, commands: nil)
        await #expect(throws: SchedulerError.self) { try await scheduler.ping() }
        #expect(life.contains(try #require(await scheduler.proofLife())))
    }

    @Test(arguments: [0o644, 0o640, 0o604, 0o660] as [mode_t])
    func aTokenThatOthersCanReadIsRefused(_ mode: mode_t) throws {
        let path = try file("abc", mode: mode)
        do {
            _ = try RestToken.read(path)
            Issue.record("read")
        } catch {
            #expect(error.reason.contains("chmod 600"))
        }
    }

    @Test func aLinkOrAFolderIsNoTokenFile() throws {
        let path = try file("abc")
        symlink(path, folder("link"))
        #expect(throws: RestToken.Unusable.self) { try RestToken.read(folder("link")) }
        #expect(throws: RestToken.Unusable.self) { try RestToken.read(folder.path) }
        #expect(throws: RestToken.Unusable.self) { try RestToken.read(folder("missing")) }
    }
}
