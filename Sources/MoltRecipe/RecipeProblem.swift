package import MoltCore

/// One thing wrong with a recipe or a site file.
package struct RecipeProblem: Hashable, Sendable, CustomStringConvertible {
    /// Nil when the problem is about something that is not there.
    package var place: Place?
    /// The dotted key, like `train.global_batch`; empty for the whole file.
    package var key: String
    package var what: String
    package var fix: String?

    package init(_ what: String, at place: Place?, key: String, fix: String? = nil) {
        self.what = what
        self.place = place
        self.key = key
        self.fix = fix
    }

    /// A problem with the file as a whole, whose location is part of the error already.
    init(_ error: UserError) {
        what = error.location.map { "\($0): \(error.what)" } ?? error.what
        fix = error.fix
        key = ""
    }

    package var description: String { userError.description }

    package var userError: UserError {
        let parts = [place?.description, key.isEmpty ? nil : key].compactMap { $0 }
        return UserError(what, at: parts.isEmpty ? nil : parts.joined(separator: ": "), fix: fix)
    }
}

/// Everything that is wrong with a recipe or a site file, in the order of the file.
package struct RecipeErrors: Error, Equatable, Sendable, CustomStringConvertible {
    package let problems: [RecipeProblem]

    package init(_ problems: [RecipeProblem]) {
        self.problems = problems
    }

    package var description: String {
        problems.map(\.description).joined(separator: "\n")
    }
}

/// Collects problems while a file is read, so that the user sees all of them at once.
final class ProblemList {
    private(set) var problems: [RecipeProblem] = []
    /// Where each key that was read stands, by its dotted path.
    private(set) var origins: [String: Place] = [:]

    func add(_ what: String, at place: Place?, key: String, fix: String? = nil) {
        problems.append(RecipeProblem(what, at: place, key: key, fix: fix))
    }

    func note(_ key: String, at place: Place) {
        origins[key] = place
    }

    /// The place of a key, or of the nearest section around it.
    func origin(of key: String) -> Place? {
        var path = key[...]
        while true {
            if let place = origins[String(path)] { return place }
            guard let dot = path.lastIndex(of: ".") else { return origins[""] }
            path = path[..<dot]
        }
    }

    /// True when this key, something inside it or a section around it has been reported.
    func isReported(_ key: String) -> Bool {
        problems.contains { $0.key == key || $0.key.hasPrefix(key + ".") || key.hasPrefix($0.key + ".") }
    }

    func errors() -> RecipeErrors {
        let order = { (problem: RecipeProblem) in (problem.place?.file ?? "", problem.place?.line ?? 0) }
        let sorted = problems.enumerated().sorted { left, right in
            let a = order(left.element), b = order(right.element)
            return a == b ? left.offset < right.offset : a < b
        }
        return RecipeErrors(sorted.map(\.element))
    }
}
