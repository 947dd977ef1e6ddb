import MoltAPI

/// A connection that survives the daemon: when it goes away in the middle, it is found or started again.
struct LiveDaemon {
    let link: DaemonLink
    private var client: MoltClient
    private var failures = 0
    private static let failuresMax = 5

    init(link: DaemonLink) async throws(CommandFailure) {
        self.link = link
        client = try await link.client()
    }

    /// Asks again after a broken connection, which is safe for everything that only reads.
    mutating func ask<Answer: Sendable>(
        _ question: (MoltClient) async throws(ClientError) -> Answer
    ) async throws -> Answer {
        while true {
            do throws(ClientError) {
                let answer = try await question(client)
                failures = 0
                return answer
            } catch {
                guard error.isAboutTheConnection, failures < Self.failuresMax else { throw error }
                failures += 1
            }
            try await Task.sleep(for: .milliseconds(100 * failures))
            client = try await link.client()
        }
    }
}

extension ClientError {
    fileprivate var isAboutTheConnection: Bool {
        switch self {
        case .transport, .remote: true
        case .refused, .unreadable: false
        }
    }
}
