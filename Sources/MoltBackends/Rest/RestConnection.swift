import FoundationEssentials
import MoltCore
import MoltHTTP
import MoltScheduler

/// Sends calls to one slurmrestd, with the proof of who asks.
actor RestConnection {
    private let client = HTTPClient()
    private let access: RestAccess
    private let commands: CommandScheduler?
    private var token: (text: String, until: Double)?
    /// When the token that was shown last expires, in seconds since 1970; nil when it does not say.
    private var expiresAt: Double?

    /// Seconds that a token from scontrol lives, and before its end that it is no longer used.
    private static let tokenLife = 1800, tokenMargin = 300.0

    /// - Parameter commands: where tokens come from when the site has no file of them.
    init(access: RestAccess, commands: CommandScheduler?) {
        self.access = access
        self.commands = commands
    }

    func send(
        _ method: HTTPMethod, _ path: String, body: Data? = nil, for operation: SlurmOperation, within seconds: Double
    ) async throws(SchedulerError) -> (status: Int, body: Data) {
        var headers = ["Accept: application/json"]
        if body != nil { headers.append("Content-Type: application/json") }
        headers += try await proof()
        let request = HTTPRequest(
            method, path, at: access.target, headers: headers, body: body, timeout: seconds,
            answerLimit: Limits.answerBytes)
        do throws(HTTPError) {
            let answer = try await client.send(request)
            // A token that was renewed meanwhile is asked for again.
            if answer.status == 401 { token = nil }
            return (answer.status, answer.body)
        } catch {
            throw RestErrors.classify(operation, error)
        }
    }

    private func proof() async throws(SchedulerError) -> [String] {
        let text: String
        switch access.proof {
        case .socket: return []
        case .file(let path):
            do throws(RestToken.Unusable) {
                text = try RestToken.read(path)
            } catch {
                throw .unavailable(message: error.reason)
            }
        case .scontrol: text = try await fresh()
        }
        expiresAt = RestToken.expiry(text)
        return ["X-SLURM-USER-NAME: \(access.user)", "X-SLURM-USER-TOKEN: \(text)"]
    }

    /// Seconds for which the token of the last request is valid; nil where no token is shown.
    func tokenLife() -> Double? {
        if access.proof == .socket { return nil }
        guard let expiresAt else { return Limits.tokenLife }
        return min(Limits.tokenLifeMax, max(0, expiresAt - Date().timeIntervalSince1970))
    }

    private func fresh() async throws(SchedulerError) -> String {
        let now = MonotonicTime.now()
        if let token, token.until > now { return token.text }
        guard let commands else { throw .unavailable(message: "there is no scontrol to ask for a token") }
        let text = try await commands.token(life: Self.tokenLife)
        token = (text, now + Double(Self.tokenLife) - Self.tokenMargin)
        return text
    }
}
