import MoltCore
import MoltStore

/// What `notify:` delivers, as JSON: on the standard input of a command, or as the body of a POST.
struct NotificationMessage: Codable, Hashable, Sendable {
    var run: String
    var name: String
    var occasion: String
    var state: String
    var message: String
    var site: String
    var step: Int?
    var loss: Double?
    var runFolder: String
    /// Seconds since 1970.
    var at: Double

    init(_ notification: NotificationRecord, _ run: RunRecord) {
        self.run = run.id
        name = run.name
        occasion = notification.occasion
        state = run.state.rawValue
        message = notification.message
        site = run.site
        step = run.step
        loss = run.loss
        runFolder = run.folder
        at = notification.createdAt
    }
}
