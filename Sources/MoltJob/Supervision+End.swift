import FoundationEssentials
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

// When the scheduler ends this job, and the stop that comes before.
extension Supervision {
    /// Asked before the workers start: they are told their deadline then.
    mutating func learnEnd(_ environment: [String: String]) {
        limitSeen = limitTold()
        defer { tellWorkers() }
        guard asksForEnd, end.isDue(stopAt: stopAt, now: Clock.steady()) else { return }
        end.asked(stopAt: stopAt, now: Clock.steady())
        let question = EndQuestion.ask(
            job: context.jobID, environment: environment, within: EndQuestion.patienceAtStart)
        heard(question?.wait())
    }

    /// Asks without waiting, and ends a question that takes too long.
    mutating func followEnd(_ now: Double) {
        guard asksForEnd else { return }
        if let question {
            if now > question.deadline { question.kill() }
            return
        }
        guard case .running = supervisor.phase else { return }
        if now >= nextLimitLook {
            nextLimitLook = now + Self.limitInterval
            let told = limitTold()
            if told != limitSeen { end.nudged() }
            limitSeen = told
        }
        guard end.isDue(stopAt: stopAt, now: now) else { return }
        end.asked(stopAt: stopAt, now: now)
        question = EndQuestion.ask(job: context.jobID, environment: environment, within: EndQuestion.patience)
        if question == nil { heard(nil) }
    }

    /// After a pause nobody is stopped for an end before the scheduler was asked whether that still holds.
    var waitsForEnd: Bool {
        guard case .running = supervisor.phase else { return false }
        return asksForEnd && end.isUnsure
    }

    /// True when the child that has ended was the question.
    mutating func takesAnswer(pid: Int32, word: Int32) -> Bool {
        guard let question, question.child.pid == pid else { return false }
        self.question = nil
        heard(question.answer(word: word))
        return true
    }

    private mutating func heard(_ text: String?) {
        let before = end
        guard end.answered(text, wall: Clock.now(), now: Clock.steady()) else { return }
        if let endsAt = end.endsAt {
            tell(endsAt, before)
        } else {
            let text = "the scheduler sets this job no time limit" + (before.isTold ? " any more" : "")
            log.say(text)
            if before.isTold { log.event(.note, text) }
        }
        _ = supervisor.handle(.deadlineMoved(to: stopAt), now: Clock.steady())
        tellWorkers()
    }

    private func tell(_ endsAt: Double, _ before: EndWatch) {
        let left = Durations.text(max(0, endsAt - Clock.now()))
        if let old = before.endsAt, before.isTold {
            let text = "the scheduler now ends this job in \(left), "
                + "\(Durations.text(abs(endsAt - old))) \(endsAt < old ? "earlier" : "later") than before"
            log.say(text)
            log.event(.note, text)
        } else {
            log.say("the scheduler ends this job in \(left)")
        }
    }

    /// When to ask the workers to stop, on the clock that nobody sets.
    var stopAt: Double? {
        end.endsAt.map { Clock.steady() + max(0, $0 - margin(before: $0) - Clock.now()) }
    }

    /// What a save may take: as planned, but of a job that turns out to be short no more than a quarter.
    private func margin(before endsAt: Double) -> Double {
        min(plan.stopMargin, max(1, (endsAt - context.startedAt) / 4))
    }

    /// By when a worker should have saved by itself; the last moments are for ending.
    var workersDeadline: Int? { end.endsAt.map { Int($0 - max(1, margin(before: $0) / 4)) } }

    /// Workers look now and then. That they may miss it does no harm: they are asked to stop in any case. What they
    /// read is a number: without a limit it is a year ahead.
    private func tellWorkers() {
        let endless = end.isTold && end.endsAt == nil ? Int(Clock.now() + 365 * 86_400) : nil
        guard let deadline = workersDeadline ?? endless else { return }
        try? DurableFile.write(Data("\(deadline)\n".utf8), to: deadlineFile)
    }

    var deadlineFile: String { "\(folder)/deadline" }

    private func limitTold() -> Data? {
        try? DurableFile.read(run.limitChange(attempt: plan.attempt), limit: 4096)
    }
}
