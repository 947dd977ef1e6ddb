/// Asks for a run. The client has resolved and checked the recipe; the daemon checks it again.
package struct SubmitRequest: Codable, Hashable, Sendable {
    /// The frozen `Recipe` as JSON with sorted keys: exactly what will lie in `recipe.yaml`.
    package var recipe: String
    /// What the user named: a file or a built-in recipe; shown, never read again.
    package var source: String
    package var site: String
    /// Overrides the recipe's name.
    package var name: String?
    /// 32 hexadecimal digits; sending the same request again under the same token returns the same run.
    package var token: String
    /// The user's folder: where the workers run unless the recipe says otherwise.
    package var workingDirectory: String
    package var host: String
    package var git: GitState?
    /// Start it only after `molt release`.
    package var held: Bool

    package init(
        recipe: String, source: String, site: String, name: String? = nil, token: String, workingDirectory: String,
        host: String, git: GitState? = nil, held: Bool = false
    ) {
        self.recipe = recipe
        self.source = source
        self.site = site
        self.name = name
        self.token = token
        self.workingDirectory = workingDirectory
        self.host = host
        self.git = git
        self.held = held
    }
}

/// The state of the user's source tree at submission; ends in the run folder's `environment.json`.
package struct GitState: Codable, Hashable, Sendable {
    package var commit: String
    package var branch: String?
    /// `git diff HEAD`, cut at `WireLimits.diffBytes`.
    package var diff: String
    package var isCut: Bool

    package init(commit: String, branch: String? = nil, diff: String = "", isCut: Bool = false) {
        self.commit = commit
        self.branch = branch
        self.diff = diff
        self.isCut = isCut
    }
}

/// The answer to a submission, sent once the run is durable.
package struct SubmitResult: Codable, Hashable, Sendable {
    package var id: String
    package var name: String
    package var site: String
    package var state: String
    /// False when the token was known already.
    package var isNew: Bool
    package var runFolder: String
    /// Things worth a line on the terminal that do not stop the run.
    package var warnings: [String]

    package init(
        id: String, name: String, site: String, state: String, isNew: Bool, runFolder: String, warnings: [String] = []
    ) {
        self.id = id
        self.name = name
        self.site = site
        self.state = state
        self.isNew = isNew
        self.runFolder = runFolder
        self.warnings = warnings
    }
}
