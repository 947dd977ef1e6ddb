/// Bounds of this module.
enum Limits {
    /// Seconds for one command or request until the controller's own time-out is known.
    static let callDeadline = 15.0
    /// Seconds added to Slurm's MessageTimeout.
    static let callMargin = 5.0
    /// What a command may print: the jobs of one user, a kilobyte each.
    static let outputBytes = 64 << 20
    static let errorBytes = 64 << 10
    /// slurmrestd hands out the whole cluster's jobs, about four kilobytes each.
    static let answerBytes = 512 << 20
    /// Seconds between two measurements of the controller's clock.
    static let clockAge = 600.0
    /// Jobs whose cancellation is remembered until their end has been seen.
    static let cancelled = 10_000
    /// Jobs of one look whose list of nodes is asked for again because it did not fit.
    static let refetched = 64
    /// Seconds of nothing but "unavailable" after which a way that was chosen is doubted, and tried again if no other
    /// answers.
    static let choicePatience = 60.0
    /// Seconds after which a better way than the one in use is asked for again.
    static let choiceReview = 900.0
    static let tokenBytes = 64 << 10
    /// Seconds that a token lives which does not say: Slurm's own lifespan.
    static let tokenLife = 1800.0
    /// The longest that a request whose outcome is unknown is waited for because of its token. Tokens may be valid for
    /// years, and no controller takes a day to read what it was sent; after that the claim keeps a second job from
    /// doing anything.
    static let tokenLifeMax = 86_400.0
}
