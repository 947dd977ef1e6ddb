import MoltRecipe
import MoltTrainer
import Testing

/// When validation ends a run, and what it calls the best.
struct ValidationRecordTests {
    struct Course: Sendable {
        var losses: [Double]
        var patience: Int
        var delta = 0.0
        /// The validation after which the run ends; nil when it does not.
        var ends: Int?
        var best: Int
    }

    @Test(arguments: [
        Course(losses: [5, 4, 3, 2, 1], patience: 1, ends: nil, best: 4),
        Course(losses: [5, 4, 4.5, 4.2, 3], patience: 2, ends: 3, best: 1),
        Course(losses: [5, 4, 4.5, 3.9, 4, 4.1], patience: 2, ends: 5, best: 3),
        Course(losses: [5, 5, 5], patience: 2, ends: 2, best: 0),
        // Small steps are none, but their sum is one.
        Course(losses: [5, 4.9, 4.8, 4.7], patience: 3, delta: 0.25, ends: nil, best: 3),
        Course(losses: [5, 4.9, 4.8], patience: 2, delta: 0.25, ends: 2, best: 2),
        Course(losses: [5, .nan, .infinity], patience: 2, ends: 2, best: 0),
        Course(losses: [.nan, 5, 6], patience: 3, ends: nil, best: 1),
    ])
    func aRunEndsWhenValidationNoLongerImproves(_ course: Course) throws {
        var rule = EarlyStopping()
        (rule.patience, rule.minimumDelta) = (course.patience, course.delta)
        var record = ValidationRecord(loss: course.losses[0], step: 0), ended: Int?, best = 0
        for (step, loss) in course.losses.enumerated().dropFirst() where ended == nil {
            if record.add(loss: loss, step: step, minimumDelta: course.delta) { best = step }
            if record.stops(rule) { ended = step }
        }
        #expect(ended == course.ends)
        #expect(record.bestStep == course.best)
        #expect(best == course.best)
        #expect(!record.stops(nil))
    }
}
