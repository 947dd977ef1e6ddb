package import MoltAPI
import MoltCore
import MoltReconcile
import MoltRecipe
import MoltStore

/// The daemon's operations, of which every one that changes something is written down: before, and with what became of
/// it. `RunService` knows nothing of it.
package struct AuditedOperations: RunOperations {
    private let service: RunService
    private let audit: AuditLog
    private let userID: UInt32

    package init(service: RunService, audit: AuditLog, userID: UInt32) {
        self.service = service
        self.audit = audit
        self.userID = userID
    }

    /// - Parameter after: what is told of a success.
    private func told<Value>(
        _ verb: String, _ reference: String? = nil, words: String? = nil,
        _ after: (Value) -> (run: String?, state: String?),
        _ act: () async throws(APIError) -> Value
    ) async throws(APIError) -> Value {
        var known: (id: String, state: String)?
        if let reference { known = await service.stateForAudit(reference) }
        let peer = Peer.current
        var record = AuditRecord(
            at: service.clock.now(), userID: peer?.userID ?? userID, source: peer?.words ?? "daemon", verb: verb,
            run: known?.id ?? reference.map { DisplayText.escaped($0, limit: 64) }, before: known?.state, words: words)
        audit.write(record)
        defer {
            record.at = service.clock.now()
            audit.write(record)
        }
        do throws(APIError) {
            let value = try await act()
            let (run, state) = after(value)
            record.run = run ?? record.run
            record.after = state ?? "done"
            return value
        } catch {
            record.after = "refused"
            // What is wrong about a request may quote it, and with it what nobody should read here.
            record.words = error.code == .invalid ? "invalid" : DisplayText.escaped(error.what, limit: 300)
            throw error
        }
    }

    package func submit(_ request: SubmitRequest) async throws(APIError) -> SubmitResult {
        let words = "\(DisplayText.escaped(request.source, limit: 200)) to site \(DisplayText.escaped(request.site)), "
            + "recipe \(Self.hash(request.recipe)), from \(DisplayText.escaped(request.host, limit: 64))"
        return try await told("submit", words: words, { ($0.id, $0.state) }) {
            () async throws(APIError) in try await service.submit(request)
        }
    }

    package func adopt(_ request: AdoptRequest) async throws(APIError) -> SubmitResult {
        let words = "job \(request.job) at site \(DisplayText.escaped(request.site, limit: 64))"
        return try await told("adopt", words: words, { ($0.id, $0.state) }) {
            () async throws(APIError) in try await service.adopt(request)
        }
    }

    package func act(
        _ action: RunAction, on reference: String, _ request: ActionRequest
    ) async throws(APIError) -> RunSummary {
        let words = request.fromStep.map { "from step \($0)" }
        return try await told(action.rawValue, reference, words: words, { ($0.id, $0.state.rawValue) }) {
            () async throws(APIError) in try await service.act(action, on: reference, request)
        }
    }

    package func edit(_ reference: String, _ request: EditRequest) async throws(APIError) -> RunSummary {
        let words = request.changes.map { DisplayText.escaped(SecretWarnings.told($0), limit: 200) }
            .joined(separator: " ") + ", recipe \(Self.hash(request.before)) to \(Self.hash(request.after))"
        return try await told("edit", reference, words: words, { ($0.id, $0.state.rawValue) }) {
            () async throws(APIError) in try await service.edit(reference, request)
        }
    }

    package func prune(_ reference: String, _ request: PruneRequest) async throws(APIError) -> PruneResult {
        try await told("prune", reference, { (_: PruneResult) in (nil, nil) }) {
            () async throws(APIError) in try await service.prune(reference, request)
        }
    }

    package func remove(_ reference: String) async throws(APIError) {
        try await told("remove", reference, { (_: Void) in (nil, "removed") }) {
            () async throws(APIError) in try await service.remove(reference)
        }
    }

    package func drill(_ reference: String, _ request: DrillRequest) async throws(APIError) -> DrillStart {
        try await told("drill", reference, words: request.fault.rawValue, { ($0.id, nil) }) {
            () async throws(APIError) in try await service.drill(reference, request)
        }
    }

    package func stopDaemon() async {
        _ = try? await told("daemon.stop", nil, { (_: Void) in (nil, nil) }) {
            () async throws(APIError) in await service.stopDaemon()
        }
    }

    private static func hash(_ text: String) -> String {
        var hash = FileHash()
        Array(text.utf8).withUnsafeBytes { hash.update($0) }
        return String(hash.text().prefix(16))
    }

    // MARK: - What changes nothing

    package func list(_ query: RunQuery) async throws(APIError) -> RunList { try await service.list(query) }
    package func detail(_ reference: String) async throws(APIError) -> RunDetail { try await service.detail(reference) }
    package func timeline(_ reference: String, after: Int, limit: Int) async throws(APIError) -> TimelinePage {
        try await service.timeline(reference, after: after, limit: limit)
    }
    package func explain(_ reference: String) async throws(APIError) -> RunExplanation {
        try await service.explain(reference)
    }
    package func progress(_ reference: String, points: Int) async throws(APIError) -> ProgressCurve {
        try await service.progress(reference, points: points)
    }
    package func evaluations(
        _ reference: String, _ query: EvaluationQuery
    ) async throws(APIError) -> EvaluationList {
        try await service.evaluations(reference, query)
    }
    package func log(_ reference: String, _ query: LogQuery) async throws(APIError) -> LogChunk {
        try await service.log(reference, query)
    }
    package func recipe(_ reference: String) async throws(APIError) -> RunRecipe { try await service.recipe(reference) }
    package func usage(_ reference: String) async throws(APIError) -> RunUsage { try await service.usage(reference) }
    package func costs(_ query: CostQuery) async throws(APIError) -> CostSummary { try await service.costs(query) }
    package func daemonStatus() async throws(APIError) -> DaemonStatus { try await service.daemonStatus() }
    package func siteReport(_ name: String) async throws(APIError) -> SiteReport { try await service.siteReport(name) }
}

extension RunService {
    /// What a reference named before something was done to it; nil when it names no run.
    func stateForAudit(_ reference: String) async -> (id: String, state: String)? {
        let found = try? await read { snapshot in try self.find(reference, in: snapshot) }
        return found.map { ($0.id, $0.state.rawValue) }
    }
}

/// Who is at the other end of the connection that is being served.
package struct Peer: Sendable {
    package var userID: UInt32
    package var pid: Int32

    @TaskLocal package static var current: Peer?

    /// Its program's name is what it calls itself.
    var words: String {
        let name = try? DurableFile.read("/proc/\(pid)/comm", limit: 64)
        let shown = name.map { DisplayText.escaped(String(decoding: $0.dropLast(), as: UTF8.self), limit: 32) }
        return "pid \(pid)" + (shown.map { " (\($0))" } ?? "")
    }
}
