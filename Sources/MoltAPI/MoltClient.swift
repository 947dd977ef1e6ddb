import FoundationEssentials
import MoltCore
package import MoltHTTP

/// How talking to the daemon failed.
package enum ClientError: Error, Equatable, Sendable {
    /// The daemon answered, with a no.
    case refused(APIError)
    /// No answer.
    case transport(HTTPError)
    /// No answer from a daemon on another host.
    case remote(host: String, HTTPError)
    /// An answer that we cannot read: another version, or not our daemon.
    case unreadable(String)
}

/// The daemon's interface, typed; one request at a time over its socket.
package struct MoltClient: Sendable {
    package let socket: String
    /// Set when the socket only leads to the daemon's host.
    package let remoteHost: String?
    private let http: HTTPClient
    private let timeout: Double

    package init(
        socket: String, remoteHost: String? = nil, timeout: Double = HTTPLimits.seconds,
        http: HTTPClient = HTTPClient()
    ) {
        self.socket = socket
        self.remoteHost = remoteHost
        self.timeout = timeout
        self.http = http
    }

    package func submit(_ request: SubmitRequest) async throws(ClientError) -> SubmitResult {
        try await exchange(.post, Routes.runs, body: encoded(request))
    }

    package func adopt(_ request: AdoptRequest) async throws(ClientError) -> SubmitResult {
        try await exchange(.post, Routes.adopt, body: encoded(request))
    }

    package func runs(_ query: RunQuery = RunQuery()) async throws(ClientError) -> RunList {
        try await exchange(.get, Routes.runs(query))
    }

    package func run(_ reference: String) async throws(ClientError) -> RunDetail {
        try await exchange(.get, Routes.run(reference))
    }

    package func timeline(_ reference: String, after: Int = 0) async throws(ClientError) -> TimelinePage {
        try await exchange(.get, Routes.timeline(reference, after: after))
    }

    package func progress(_ reference: String) async throws(ClientError) -> ProgressCurve {
        try await exchange(.get, Routes.progress(reference))
    }

    package func evaluations(
        _ reference: String, _ query: EvaluationQuery = EvaluationQuery()
    ) async throws(ClientError) -> EvaluationList {
        try await exchange(.get, Routes.evaluations(reference, query))
    }

    package func explain(_ reference: String) async throws(ClientError) -> RunExplanation {
        try await exchange(.get, Routes.why(reference))
    }

    package func log(_ reference: String, _ query: LogQuery) async throws(ClientError) -> LogChunk {
        try await exchange(.get, Routes.logs(reference, query))
    }

    package func act(
        _ action: RunAction, on reference: String, _ request: ActionRequest = ActionRequest()
    ) async throws(ClientError) -> RunSummary {
        // A checkpoint to go on from is read first, however large it is.
        let seconds: Double? = request.fromStep == nil ? nil : 3600
        return try await exchange(
            .post, Routes.action(action, on: reference), body: encoded(request), within: seconds)
    }

    package func recipe(_ reference: String) async throws(ClientError) -> RunRecipe {
        try await exchange(.get, Routes.recipe(reference))
    }

    package func edit(_ reference: String, _ request: EditRequest) async throws(ClientError) -> RunSummary {
        try await exchange(.post, Routes.recipe(reference), body: encoded(request))
    }

    package func usage(_ reference: String) async throws(ClientError) -> RunUsage {
        try await exchange(.get, Routes.usage(reference))
    }

    package func prune(_ reference: String, _ request: PruneRequest) async throws(ClientError) -> PruneResult {
        try await exchange(.post, Routes.prune(reference), body: encoded(request))
    }

    package func remove(_ reference: String) async throws(ClientError) {
        _ = try await send(.delete, Routes.run(reference))
    }

    package func drill(_ reference: String, _ request: DrillRequest) async throws(ClientError) -> DrillStart {
        // A node that goes down and comes back takes the scheduler its time.
        try await exchange(.post, Routes.drill(reference), body: encoded(request), within: 90)
    }

    package func costs(_ query: CostQuery) async throws(ClientError) -> CostSummary {
        try await exchange(.get, Routes.costs(query))
    }

    package func daemonStatus() async throws(ClientError) -> DaemonStatus {
        try await exchange(.get, Routes.daemon)
    }

    package func stopDaemon() async throws(ClientError) {
        _ = try await send(.post, Routes.daemonStop)
    }

    package func siteReport(_ name: String) async throws(ClientError) -> SiteReport {
        try await exchange(.get, Routes.site(name))
    }

    private func exchange<Answer: Decodable>(
        _ method: HTTPMethod, _ path: String, body: Data? = nil, within seconds: Double? = nil
    ) async throws(ClientError) -> Answer {
        let data = try await send(method, path, body: body, within: seconds)
        do {
            return try BoundedJSON().decode(Answer.self, from: data)
        } catch {
            throw .unreadable("the answer to \(method.rawValue) \(path) is not a \(Answer.self): \(error)")
        }
    }

    private func send(
        _ method: HTTPMethod, _ path: String, body: Data? = nil, within seconds: Double? = nil
    ) async throws(ClientError) -> Data {
        let request = HTTPRequest(
            method, path, at: .socket(socket), headers: body == nil ? [] : ["Content-Type: application/json"],
            body: method == .post ? body ?? Data() : body, timeout: max(timeout, seconds ?? 0))
        let answer: HTTPAnswer
        do throws(HTTPError) {
            answer = try await http.send(request)
        } catch {
            if let remoteHost { throw .remote(host: remoteHost, error) }
            throw .transport(error)
        }
        if (200..<300).contains(answer.status) { return answer.body }
        guard let refusal = try? BoundedJSON().decode(ErrorAnswer.self, from: answer.body) else {
            throw .unreadable("\(method.rawValue) \(path) was answered with \(answer.status)")
        }
        throw .refused(refusal.error)
    }

    private func encoded(_ value: some Encodable) throws(ClientError) -> Data {
        do {
            return try JSONFile.encode(value)
        } catch {
            throw .unreadable("cannot encode the request: \(error)")
        }
    }
}
