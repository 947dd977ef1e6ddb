/// The recipe that a run's next attempt is made from.
package struct RunRecipe: Codable, Hashable, Sendable {
    /// The frozen recipe as JSON with sorted keys.
    package var recipe: String
    package var site: String

    package init(recipe: String, site: String) {
        self.recipe = recipe
        self.site = site
    }
}

/// Changes a run's recipe for its attempts to come.
package struct EditRequest: Codable, Hashable, Sendable {
    /// What was changed; refused when the run's recipe is another one by now.
    package var before: String
    package var after: String
    /// `key=value` as the user wrote it, for the run's timeline.
    package var changes: [String]
    /// Only the length may differ, and must grow; a finished run goes on.
    package var extends: Bool

    package init(before: String, after: String, changes: [String], extends: Bool = false) {
        self.before = before
        self.after = after
        self.changes = changes
        self.extends = extends
    }
}
