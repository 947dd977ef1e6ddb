/// The bounds of the loop. Seconds throughout.
enum Limits {
    /// While an own job's processes are ending.
    static let watchInterval: Double = 0.5
    /// A look at the queue may cost the controller this part of the time.
    static let pollShare: Double = 0.02
    /// And this machine this part.
    static let turnShare: Double = 0.03
    /// The longest pause between tries while the scheduler is away; a call may hang until its deadline besides.
    static let outagePauseMax: Double = 8
    /// Until the first look after an action of ours.
    static let lookAfterAction: Double = 1
    /// Before one and the same request to the scheduler is made again.
    static let repeatAction: Double = 5
    static let repeatStop: Double = 60
    /// Before it is told again that a job is in a state which nobody here knows.
    static let repeatUnknown: Double = 3600
    /// Names of jobs that are not ours, kept to look them up once only.
    static let foreignNames = 100_000
    /// Age of a scheduler's settings at submission, and while a release waits for them.
    static let configurationAge: Double = 300
    static let configurationAgeAtRelease: Double = 3
    /// By then a controller has certainly written down what it acknowledged, when nobody has seen whether it did.
    static let writtenDown: Double = 30
    /// When a job has ended, while it is being found out why.
    static let configurationAgeAtEnd: Double = 15
}
