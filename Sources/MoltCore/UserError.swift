/// An error that a user can mend: one or two lines that say what is wrong, where, and what to do.
package struct UserError: Error, Equatable, Sendable, CustomStringConvertible {
    package let what: String
    package let location: String?
    package let fix: String?

    /// - Parameters:
    ///   - what: what is wrong, naming the thing.
    ///   - location: `file:line: key`, a path, or nil when `what` already names it.
    ///   - fix: what the user can do about it.
    package init(_ what: String, at location: String? = nil, fix: String? = nil) {
        self.what = what
        self.location = location
        self.fix = fix
    }

    package var description: String {
        let first = location.map { "\($0): \(what)" } ?? what
        return fix.map { "\(first)\n  \($0)" } ?? first
    }
}
