/// Every path of the daemon's HTTP interface, once, for the server and for its clients.
package enum Routes {
    package static let prefix = "/v1"
    package static let daemon = "/v1/daemon"
    /// POST: finish what is under way and exit.
    package static let daemonStop = "/v1/daemon/stop"
    /// GET lists, POST submits.
    package static let runs = "/v1/runs"

    package static let costs = "/v1/costs"
    /// POST: makes a job that somebody submitted by hand a run.
    package static let adopt = "/v1/adopt"

    /// What a path names; the server registers `pattern`, clients ask for the filled-in paths below.
    package enum Pattern {
        package static let run = "/v1/runs/:run"
        package static let timeline = "/v1/runs/:run/events"
        package static let progress = "/v1/runs/:run/progress"
        package static let logs = "/v1/runs/:run/logs"
        package static let why = "/v1/runs/:run/why"
        package static let action = "/v1/runs/:run/:action"
        /// GET shows, POST changes.
        package static let recipe = "/v1/runs/:run/recipe"
        package static let usage = "/v1/runs/:run/usage"
        package static let drill = "/v1/runs/:run/drill"
        package static let evaluations = "/v1/runs/:run/evaluations"
        package static let prune = "/v1/runs/:run/prune"
        package static let site = "/v1/sites/:site/configuration"
    }

    /// GET shows, DELETE removes. `reference` is a run's id, a unique prefix of one, or a run's name.
    package static func run(_ reference: String) -> String { "\(runs)/\(escaped(reference))" }
    package static func timeline(_ reference: String, after: Int = 0) -> String {
        "\(run(reference))/events?after=\(after)"
    }
    package static func progress(_ reference: String) -> String { "\(run(reference))/progress" }
    package static func why(_ reference: String) -> String { "\(run(reference))/why" }
    package static func logs(_ reference: String, _ query: LogQuery) -> String {
        "\(run(reference))/logs?" + query.parameters.map { "\($0)=\($1)" }.joined(separator: "&")
    }
    package static func recipe(_ reference: String) -> String { "\(run(reference))/recipe" }
    package static func usage(_ reference: String) -> String { "\(run(reference))/usage" }
    package static func drill(_ reference: String) -> String { "\(run(reference))/drill" }
    package static func evaluations(_ reference: String, _ query: EvaluationQuery) -> String {
        "\(run(reference))/evaluations?" + query.parameters.map { "\($0)=\(escaped($1))" }.joined(separator: "&")
    }
    package static func prune(_ reference: String) -> String { "\(run(reference))/prune" }
    package static func action(_ action: RunAction, on reference: String) -> String {
        "\(run(reference))/\(action.rawValue)"
    }
    package static func runs(_ query: RunQuery) -> String {
        "\(runs)?" + query.parameters.map { "\($0)=\(escaped($1))" }.joined(separator: "&")
    }
    package static func costs(_ query: CostQuery) -> String {
        "\(costs)?" + query.parameters.map { "\($0)=\(escaped($1))" }.joined(separator: "&")
    }
    package static func site(_ name: String) -> String { "\(prefix)/sites/\(escaped(name))/configuration" }

    /// Percent-encodes everything but letters, digits and `-._~`, so that a name is always one path component.
    package static func escaped(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF")
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                result += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
        return result == "." || result == ".." ? result.replacing(".", with: "%2E") : result
    }

    /// Undoes `escaped`; nil when the text is no percent-encoded UTF-8.
    package static func unescaped(_ text: String) -> String? {
        var bytes: [UInt8] = [], rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = rest.prefix(2)
            guard digits.count == 2, let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

/// What a person may ask of a run.
package enum RunAction: String, Codable, Sendable, CaseIterable {
    /// End it for good.
    case cancel
    /// Save and pause.
    case stop
    case resume
    /// Keep it from starting.
    case hold
    case release
}

/// The body of an action; everything is optional.
package struct ActionRequest: Codable, Hashable, Sendable {
    /// `resume`: continue from the checkpoint of this step instead of the newest.
    package var fromStep: Int?

    package init(fromStep: Int? = nil) {
        self.fromStep = fromStep
    }
}
