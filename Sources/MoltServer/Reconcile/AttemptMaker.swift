package import MoltCore
package import MoltReconcile
package import MoltRecipe
package import MoltScheduler

/// Everything an attempt is made from.
package struct AttemptContext: Sendable {
    package var run: RunID
    package var name: String
    package var recipe: Recipe
    package var site: Site
    package var attempt: Int
    package var key: AttemptKey
    package var runFolder: RunFolder
    /// The user's folder at submission.
    package var workingDirectory: String
    /// The absolute versioned installation.
    package var prefix: String
    package var excludedNodes: [String]
    /// Codes for `molt-job` to use in place of ours.
    package var exitCodes: [Int32: Int32]
    package var daemonFile: String
    /// What the site's scheduler said about itself, when it could be asked.
    package var configuration: SchedulerConfiguration?
}

/// Turns a frozen recipe into one submission; pure.
package protocol AttemptMaker: Sendable {
    func build(_ context: AttemptContext) throws(UserError) -> AttemptMaterials
}
