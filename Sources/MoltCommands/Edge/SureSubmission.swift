import MoltAPI
import MoltCore
import MoltHTTP

/// Submits until there is an answer: a daemon that died with the request may or may not have made the run, and the
/// request's token makes asking again harmless.
struct SureSubmission {
    let link: DaemonLink
    /// Seconds on the system's clock.
    let now: () -> Double

    /// - Throws: the daemon's refusal at once; the last failure after `Limits.resubmission` seconds without an answer.
    func submit(_ request: SubmitRequest, through first: MoltClient) async throws -> SubmitResult {
        let end = now() + Limits.resubmission
        var client: MoltClient? = first
        while true {
            do {
                let reached: MoltClient
                if let client { reached = client } else { reached = try await link.client() }
                return try await reached.submit(request)
            } catch let error where Self.mayHaveBeenTaken(error) && now() < end {
                if client != nil {
                    Console.error("the daemon went away while it took the recipe; asking again whether it has the run")
                }
                client = nil
            }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    /// A refusal is an answer; a daemon that cannot be reached or started may have been killed again.
    private static func mayHaveBeenTaken(_ error: any Error) -> Bool {
        if case .transport = error as? ClientError { return true }
        return (error as? CommandFailure)?.exit == .unavailable
    }
}
