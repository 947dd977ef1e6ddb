import MoltCore

/// An error as it looks whatever the numbers in it: two ends with the same one have very likely the same reason.
package struct Fingerprint: Hashable, Sendable, Codable {
    package let text: String

    /// Nil when nothing tells one end from another.
    init?(_ cause: Cause, _ finding: Finding?, _ receipt: Receipt?, _ end: WorkerEnd?) {
        // Who kills from outside leaves no message, and may do it to anything.
        if finding == nil, end?.signal == 9 || receipt?.exitCode == 137 { return nil }
        guard let line = finding?.line ?? receipt?.reason, !line.isEmpty else { return nil }
        text = "\(cause.rawValue): \(Self.normalized(line))"
    }

    /// Numbers and addresses become `#`, and what a node or a process is called with them.
    static func normalized(_ line: String) -> String {
        var result = "", isNumber = false
        for byte in line.utf8.prefix(240) {
            let isDigit = (48...57).contains(byte)
            let isHexadecimal = isNumber && ((97...102).contains(byte) || byte == 120 || byte == 46)
            if isDigit || isHexadecimal {
                if !isNumber { result += "#" }
                isNumber = true
            } else {
                isNumber = false
                result.unicodeScalars.append(Unicode.Scalar(byte < 128 ? byte : 63))
            }
        }
        return result
    }
}

/// What an incarnation failed of, for comparison with the next.
package struct Failure: Hashable, Sendable, Codable {
    package var fingerprint: Fingerprint
    package var step: Int?
}
