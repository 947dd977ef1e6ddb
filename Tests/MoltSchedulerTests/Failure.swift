import MoltScheduler

/// What kind of failure a request ended with, in one word; "none" when it was answered.
func failure(_ body: () async throws -> Void) async -> String {
    do {
        try await body()
        return "none"
    } catch let error as SchedulerError {
        return error.kind
    } catch {
        return "\(error)"
    }
}

extension SchedulerError {
    var kind: String {
        switch self {
        case .rejected: "rejected"
        case .later: "later"
        case .ambiguous: "ambiguous"
        case .unavailable: "unavailable"
        case .notFound: "notFound"
        case .keyMismatch: "keyMismatch"
        case .notPermitted: "notPermitted"
        case .wrongState: "wrongState"
        }
    }
}
