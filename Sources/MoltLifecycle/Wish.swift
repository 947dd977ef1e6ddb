/// What the user wants of a run; recorded before anything is done about it.
package enum Wish: String, Hashable, Sendable, Codable, CaseIterable {
    case run
    /// Do not start (again) until released.
    case hold
    /// Save and stop.
    case pause
    case cancel
}
