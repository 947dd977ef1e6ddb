package import MoltAPI
package import MoltCore
import MoltHTTP

/// Ends the command with a given exit code; the message goes to standard error.
package struct CommandFailure: Error, Equatable, Sendable {
    /// Nil when everything has been said already.
    package let message: UserError?
    package let exit: CommandExit

    package init(_ message: UserError?, exit: CommandExit) {
        self.message = message
        self.exit = exit
    }

    package static func unavailable(_ what: String, at location: String? = nil, fix: String? = nil) -> CommandFailure {
        CommandFailure(UserError(what, at: location, fix: fix), exit: .unavailable)
    }
}

extension ClientError {
    /// What a person reads, and what the command exits with.
    package var failure: CommandFailure {
        switch self {
        case .refused(let error):
            CommandFailure(error.userError, exit: error.code.commandExit)
        case .transport(.timedOut(let seconds)):
            .unavailable(
                "the daemon did not answer within \(Int(seconds)) s", fix: "look at moltd.log, or: molt daemon stop")
        case .transport(let error):
            .unavailable("the daemon cannot be reached: \(error)", fix: "try again, or: molt daemon status")
        case .remote(let host, let error):
            .unavailable(
                "your daemon runs on \(DisplayText.escaped(host)), which cannot be reached through ssh: \(error)",
                fix: "run molt there; once its lease has run out (a minute after its end), molt works here")
        case .unreadable(let what):
            .unavailable(
                DisplayText.escaped(what, limit: 300), fix: "is the daemon of the same version? molt daemon stop")
        }
    }
}
