import MoltCore
import MoltScheduler
import Testing

@Suite struct JobStatusTests {
    /// Covers C5, C6, C7.
    @Test(arguments: [
        ("bot.0123456789", "", true), ("a.b.00ffee00ff", "written over", true), ("anything", "key", true),
        ("wrap", "", false), ("bot", "molt:1:short", false), ("bot.0123", "", false), ("0123456789", "", false),
        ("bot.0123456xyz", "", false), ("", "", false),
    ])
    func ourJobsAreKnownByCommentOrName(_ name: String, _ comment: String, _ isOurs: Bool) {
        let comment = comment == "key" ? AttemptKey.random().comment : comment
        let status = JobStatus(job: 1, name: name, comment: comment, userID: 1, state: .pending)
        #expect(status.isOurs == isOurs)
    }

    /// Covers C5, C6, C7, C8.
    @Test(arguments: [
        ("bot.own", "own", true), ("mine", "own", true), ("bot.own", "written over", true), ("bot.own", "", true),
        ("bot.own", "molt:1:short", true), ("mine", "written over", false), ("bot.own", "another's", false),
        ("bot.another's", "", false), ("own", "", false), ("bot.own.x", "", false), ("", "", false),
    ])
    func aJobIsAnAttemptsByItsCommentElseByItsName(_ name: String, _ comment: String, _ carries: Bool) {
        let own = AttemptKey.random(), other = AttemptKey.random()
        let keys = ["own": own.comment, "another's": other.comment]
        let status = JobStatus(
            job: 1, name: name.replacing("another's", with: other.short).replacing("own", with: own.short),
            comment: keys[comment] ?? comment, userID: 1, state: .pending)
        #expect(status.carries(own) == carries)
    }
}
