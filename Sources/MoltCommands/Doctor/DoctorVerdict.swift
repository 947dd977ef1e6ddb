/// One thing the doctor has to say, with its number.
package struct DoctorVerdict: Codable, Hashable, Sendable {
    package var level: Level
    package var subject: String
    package var finding: String
    package var advice: String?

    package enum Level: String, Codable, Sendable, CaseIterable {
        case ok
        /// Works, but worse than it could.
        case warning
        /// Would lose work, or nothing would run.
        case bad
    }

    package init(_ level: Level, _ subject: String, _ finding: String, advice: String? = nil) {
        self.level = level
        self.subject = subject
        self.finding = finding
        self.advice = advice
    }
}
