/// Hides a run's secrets in what Molt quotes of its program's words: the last lines of a log go into the database, into
/// `molt why`, and with a notification out of the house.
package struct SecretMask: Sendable {
    private let values: [String]

    package static let mark = "[secret]"
    /// Shorter ones would hide half of every log.
    private static let lengthMin = 6

    /// - Parameters:
    ///   - variables: of the workers; references are read, and the others count when their names or values say so.
    ///   - home: where references without a path are looked for.
    package init(_ variables: [String: String], home: String) {
        var values: Set<String> = []
        for (name, value) in variables {
            var secret: String?
            if let reference = SecretReference(value) {
                secret = try? reference.read(home: home)
            } else if SecretSigns.isName(name) || SecretSigns.isValue(value) {
                secret = value
            }
            guard let secret else { continue }
            // A key of several lines is quoted line by line.
            for part in [secret] + secret.split(separator: "\n").map(String.init)
            where part.utf8.count >= Self.lengthMin { values.insert(part) }
        }
        self.values = values.sorted { ($0.utf8.count, $0) > ($1.utf8.count, $1) }
    }

    package func hide(_ text: String) -> String {
        values.reduce(text) { $0.replacing($1, with: Self.mark) }
    }
}

/// What looks like a secret.
package enum SecretSigns {
    private static let words: Set<Substring> = [
        "TOKEN", "SECRET", "SECRETS", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL", "CREDENTIALS", "APIKEY",
    ]
    private static let keys: Set<Substring> = ["API", "ACCESS", "PRIVATE", "AUTH", "SIGNING", "ENCRYPTION"]
    private static let prefixes = [
        "hf_", "sk-", "ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "AKIA", "AIza",
    ]

    /// By its name: `HF_TOKEN`, `WANDB_API_KEY`, `--db-password`; not `MAX_TOKENS`, not `TOKENIZER`.
    package static func isName(_ name: String) -> Bool {
        let parts = name.uppercased().split { !$0.isLetter && !$0.isNumber }
        if parts.contains(where: words.contains) { return true }
        return zip(parts, parts.dropFirst()).contains { keys.contains($0) && ($1 == "KEY" || $1 == "KEYS") }
    }

    /// By how it begins, as the tokens of well-known services do.
    package static func isValue(_ value: String) -> Bool {
        (20...512).contains(value.utf8.count) && !value.contains { $0.isWhitespace || $0 == "/" }
            && prefixes.contains(where: value.hasPrefix)
    }

    /// The places of arguments that look like secrets: `--token=…`, `--token …`, `PASSWORD=…`, or such a value alone.
    package static func places(in arguments: [String]) -> [Int] {
        arguments.indices.filter { index in
            let word = arguments[index]
            if isValue(word) { return true }
            let halves = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            if halves.count == 2, isOption(halves[0]) { return isGiven(halves[1]) }
            guard index > 0, arguments[index - 1].hasPrefix("-") else { return false }
            return isOption(arguments[index - 1]) && isGiven(word) && !word.hasPrefix("-")
        }
    }

    private static func isOption(_ text: String) -> Bool {
        !text.contains { $0.isWhitespace || $0 == "/" } && isName(text)
    }

    /// Not a variable of a shell, a reference, or a flag's yes or no.
    private static func isGiven(_ value: String) -> Bool {
        value.utf8.count >= 6 && !value.hasPrefix("$") && SecretReference(value) == nil
            && !["false", "always", "prompt"].contains(value.lowercased())
    }
}
