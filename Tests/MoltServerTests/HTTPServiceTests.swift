import FoundationEssentials
import Logging
import MoltAPI
import MoltCore
import MoltHTTP
import MoltServer
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// The controllers, over a real socket, with operations that only remember.
struct HTTPServiceTests {
    private func with(
        _ operations: FakeOperations = FakeOperations(), userID: UInt32? = nil,
        _ body: (MoltClient, String) async throws -> Void
    ) async throws {
        let folder = TemporaryFolder("http"), socket = folder("s")
        let (ready, signal) = AsyncStream.makeStream(of: Void.self)
        let service = HTTPService(
            operations: operations, socket: socket, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            userID: userID ?? ProcessOwner.id, onListening: { signal.yield() })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await service.run() }
            for await _ in ready { break }
            do {
                try await body(MoltClient(socket: socket, timeout: 5), socket)
            } catch {
                group.cancelAll()
                throw error
            }
            group.cancelAll()
        }
    }

    @Test func aSubmissionReachesTheOperationsWhole() async throws {
        let request = SubmitRequest(
            recipe: #"{"name":"x"}"#, source: "x.yaml", site: "local", token: "t", workingDirectory: "/w", host: "h",
            git: GitState(commit: "abc", branch: "main", diff: "+ü"))
        try await with { client, _ in
            let result = try await client.submit(request)
            #expect(result.name == request.recipe)
            #expect(result.isNew)
        }
    }

    /// What arrives while the server ends is dropped unserved, which must not end the process.
    @Test func theServerMayEndWhileConnectionsArrive() async throws {
        for _ in 0..<40 {
            try await with { _, socket in
                for _ in 0..<8 { try connect(to: socket) }
            }
        }
    }

    /// Connects without waiting for the server, and leaves.
    private func connect(to path: String) throws {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let status = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(descriptor, $0, length) }
        }
        #expect(status == 0)
    }

    @Test(arguments: ["abc", "my run/../x", "a?b#c%20"])
    func aReferenceArrivesAsItWasWritten(_ reference: String) async throws {
        try await with { client, _ in
            let detail = try await client.run(reference), held = try await client.act(.hold, on: reference)
            #expect(detail.summary.id == reference)
            #expect(held.name == "hold \(reference)")
            let page = try await client.timeline(reference, after: 41)
            #expect(page.next == 42)
        }
    }

    @Test func anEvaluationQueryArrivesWhole() async throws {
        try await with { client, _ in
            let list = try await client.evaluations("my run/x", EvaluationQuery(task: "a b&c", limit: 7))
            #expect(list.run == "my run/x" && list.name == "a b&c" && list.total == 7)
        }
    }

    @Test func aLogQueryArrivesWhole() async throws {
        try await with { client, _ in
            let chunk = try await client.log("abc", LogQuery(attempt: 2, incarnation: 3, rank: 4, offset: 5))
            #expect(chunk.text == "2 3 4 5")
        }
    }

    @Test func aRefusalKeepsItsShape() async throws {
        try await with { client, _ in
            let error = APIError(.notFound, "no run 'missing'", fix: "molt ls")
            await #expect(throws: ClientError.refused(error)) { try await client.run("missing") }
            await #expect(throws: ClientError.refused(error)) { try await client.remove("missing") }
        }
    }

    @Test(arguments: [
        ("/v1/nothing", 404), ("/v1/runs?limit=-1", 400), ("/v1/runs?states=walking", 400),
        ("/v1/runs/a/evaluations?limit=0", 400),
    ])
    func wrongRequestsAreAnsweredInTheSameShape(_ path: String, _ status: Int) async throws {
        try await with { _, socket in
            let answer = try await HTTPClient().send(HTTPRequest(.get, path, at: .socket(socket)))
            #expect(answer.status == status)
            let shape = try JSONDecoder().decode(ErrorAnswer.self, from: answer.body)
            #expect(!shape.error.what.isEmpty)
        }
    }

    @Test(arguments: ["", "{", "[]", #"{"recipe":1}"#])
    func aBodyThatIsNoSubmissionIsRefused(_ body: String) async throws {
        try await with { _, socket in
            let answer = try await HTTPClient().send(
                HTTPRequest(.post, Routes.runs, at: .socket(socket), body: Data(body.utf8)))
            #expect(answer.status == 400)
        }
    }

    @Test func aBodyOverTheLimitIsRefused() async throws {
        try await with { _, socket in
            let body = Data(repeating: UInt8(ascii: " "), count: WireLimits.requestBytes + 1)
            let answer = try? await HTTPClient().send(HTTPRequest(.post, Routes.runs, at: .socket(socket), body: body))
            #expect(answer?.status != 200 && answer?.status != 201)
        }
    }

    @Test func anotherUserIsTurnedAway() async throws {
        try await with(userID: ProcessOwner.id &+ 1) { client, _ in
            await #expect {
                _ = try await client.daemonStatus()
            } throws: { error in
                guard case ClientError.refused(let refusal) = error else { return false }
                return refusal.code == .forbidden
            }
        }
    }

    @Test func theDaemonAndItsSitesAnswer() async throws {
        try await with { client, _ in
            let status = try await client.daemonStatus(), report = try await client.siteReport("local")
            #expect(status.pid == 7)
            #expect(report.site == "local")
            try await client.stopDaemon()
        }
    }
}
