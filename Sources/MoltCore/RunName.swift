/// The name a user gives a run: shown everywhere, and part of the job's name in Slurm.
package enum RunName {
    package static let lengthMax = 64

    /// Accepts `[A-Za-z0-9._-]`, 1 to 64 characters, not starting with a dot or a dash.
    ///
    /// Everything else could change a path, an output pattern or a line of text somewhere downstream.
    package static func check(_ name: String) throws(UserError) {
        let fix = "use letters, digits, '.', '_' and '-', up to \(lengthMax) characters, not starting with '.' or '-'"
        guard !name.isEmpty else { throw UserError("the run name is empty", fix: fix) }
        guard name.utf8.count <= lengthMax else {
            throw UserError("the run name has \(name.utf8.count) bytes", fix: fix)
        }
        if let first = name.utf8.first, first == UInt8(ascii: ".") || first == UInt8(ascii: "-") {
            throw UserError("the run name '\(name)' starts with '\(name.prefix(1))'", fix: fix)
        }
        for (offset, byte) in name.utf8.enumerated() where !isAllowed(byte) {
            throw UserError("the run name '\(DisplayText.escaped(name))' has a character at byte \(offset) "
                + "that is not allowed", fix: fix)
        }
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
