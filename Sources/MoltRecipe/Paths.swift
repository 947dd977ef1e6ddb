import FoundationEssentials

/// Paths as people write them in recipes and site files.
package enum Paths {
    /// Absolute and without `.` and `..`, starting from `folder` when relative; `~/` is the user's home.
    package static func resolve(_ path: String, in folder: String) -> String {
        if path == "~" || path.hasPrefix("~/") { return normal(home + path.dropFirst()) }
        return normal(path.hasPrefix("/") ? path : folder + "/" + path)
    }

    /// Replaces `$USER`, `${USER}`, `$HOME` and `${HOME}`; every other dollar stays.
    package static func expandUser(
        _ text: String, environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> String {
        var result = text
        for name in ["USER", "HOME"] {
            guard let value = environment[name] else { continue }
            result = result.replacing("${\(name)}", with: value)
            result = replaceWord("$\(name)", in: result, with: value)
        }
        return result
    }

    package static var home: String {
        ProcessInfo.processInfo.environment["HOME"] ?? "/"
    }

    /// `$HOMEWORK` is not `$HOME`.
    private static func replaceWord(_ word: String, in text: String, with value: String) -> String {
        var result = "", rest = text[...]
        while let range = rest.firstRange(of: word) {
            result += rest[..<range.lowerBound]
            rest = rest[range.upperBound...]
            let continues = rest.first.map { $0 == "_" || $0.isLetter || $0.isNumber } ?? false
            result += continues ? word : value
        }
        return result + rest
    }

    private static func normal(_ path: String) -> String {
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }
}
