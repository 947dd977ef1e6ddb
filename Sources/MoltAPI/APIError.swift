package import MoltCore

/// How the daemon says no. On the wire: `{"error": {"what": …, "where": …, "fix": …, "code": …}}`.
package struct APIError: Error, Codable, Hashable, Sendable, CustomStringConvertible {
    package var what: String
    package var location: String?
    package var fix: String?
    package var code: Code

    package enum Code: String, Codable, Sendable, CaseIterable {
        /// The request or the recipe in it is wrong.
        case invalid
        case notFound
        /// The reference fits more than one run.
        case ambiguous
        /// The run's state does not allow it.
        case conflict
        case forbidden
        /// More than one user may ask for; the same request may be granted later.
        case tooMany
        /// The scheduler or a file system does not answer.
        case unavailable
        case internalError

        package var status: Int {
            switch self {
            case .invalid: 400
            case .forbidden: 403
            case .notFound: 404
            case .ambiguous, .conflict: 409
            case .tooMany: 429
            case .internalError: 500
            case .unavailable: 503
            }
        }

        /// What `molt` exits with when it gets this.
        package var commandExit: CommandExit {
            switch self {
            case .invalid, .notFound, .ambiguous, .conflict, .forbidden: .userError
            case .unavailable, .tooMany: .unavailable
            case .internalError: .negative
            }
        }
    }

    package init(_ code: Code, _ what: String, at location: String? = nil, fix: String? = nil) {
        self.code = code
        self.what = what
        self.location = location
        self.fix = fix
    }

    package init(_ error: UserError, code: Code = .invalid) {
        self.init(code, error.what, at: error.location, fix: error.fix)
    }

    package var userError: UserError { UserError(what, at: location, fix: fix) }
    package var description: String { userError.description }

    enum CodingKeys: String, CodingKey {
        case what, fix, code
        case location = "where"
    }
}

/// The envelope of an error on the wire.
package struct ErrorAnswer: Codable, Hashable, Sendable {
    package var error: APIError

    package init(_ error: APIError) {
        self.error = error
    }
}
