import FoundationEssentials
import MoltCore
import MoltJob
import MoltTesting
import Testing

/// Days of trainings on a clock of their own: all that may last long lasts long, and none of it is a hang. At the end
/// of each a rank is stuck, and that is one.
struct WatchDayTests {
    /// One training and the watch that is told of it, as `molt-job` does: a look each second.
    private struct Training {
        var watch: ProgressWatch
        var now = 0.0
        var numbers: TrialNumbers
        let ranks: Int
        private var nextLook = 1.0
        private var step = 0
        /// What the steps took that tell something: not the first after a pause, of which part is not the step's.
        private var durations: [Double] = []
        private var complaint: (text: String, at: Double)?

        init(seed: UInt64, life: Int) {
            numbers = TrialNumbers(seed: seed, part: "watch-\(life)")
            ranks = Int.random(in: 1...8, using: &numbers)
            watch = ProgressWatch(silence: Patience().phases, now: 0)
        }

        var falseAlarm: String? { complaint.map { "\($0.text), after \(Durations.text($0.at))" } }

        /// The bound that the issue sets, from the steps themselves.
        var bound: Double {
            let newest = durations.suffix(1000).sorted()
            return newest.isEmpty ? 600 : max(60, 3 * newest[(99 * newest.count + 99) / 100 - 1])
        }

        private mutating func look(until time: Double) {
            while nextLook <= time {
                if complaint == nil, let text = watch.look(now: nextLook) { complaint = (text, nextLook) }
                nextLook += 1
            }
            now = time
        }

        private mutating func say(_ phase: RunEvent.Phase, rank: Int) {
            var event = RunEvent(.phase, at: now)
            event.phase = phase
            watch.handle(event, rank: rank, now: now)
        }

        /// Every rank enters it, a moment apart, or rank 0 alone while the others wait for it in their step.
        mutating func last(_ phase: RunEvent.Phase, alone: Bool = false) {
            let budget = Patience().phases[phase] ?? 60
            for rank in 0..<(alone ? 1 : ranks) {
                look(until: now + Double.random(in: 0...0.5, using: &numbers))
                say(phase, rank: rank)
            }
            look(until: now + Double.random(in: 0.5...0.97, using: &numbers) * budget)
        }

        mutating func takeSteps(_ count: Int, typical: Double) {
            for rank in 0..<ranks { say(.step, rank: rank) }
            for number in 0..<count {
                // Mostly near the typical; now and then nearly what is allowed.
                let isSlow = number > 0 && UInt8.random(in: 0..<50, using: &numbers) == 0
                let usual = typical * Double.random(in: 0.8...1.6, using: &numbers)
                let seconds = isSlow ? min(0.9 * bound, 50 + 10 * typical) : usual
                look(until: now + seconds)
                step += 1
                for rank in 0..<ranks {
                    var event = RunEvent(.step, at: now, step: step)
                    event.seconds = seconds
                    watch.handle(event, rank: rank, now: now)
                }
                if number > 0 || step == 1 { durations.append(seconds) }
            }
        }

        /// The scheduler has stopped the workers, and `molt-job` with them or without it.
        mutating func suspend(withMoltJob: Bool) {
            let until = now + Double.random(in: 60...7200, using: &numbers)
            if withMoltJob {
                nextLook = until
            } else {
                while nextLook < until {
                    watch.suspended(now: nextLook)
                    look(until: nextLook)
                }
            }
            look(until: until)
        }

        /// No rank says anything any more; seconds until that is found out.
        mutating func getStuck() -> Double {
            let since = now
            while complaint == nil, now < since + 20_000 { look(until: now + 1) }
            return now - since
        }
    }

    private static let lives = 24

    /// Covers D11, I1, I2, N15.
    @Test func aDayOfSlowPhasesRaisesNoAlarmAndEachStuckRankRaisesOne() {
        var hours = 0.0, alarms = 0, latest = 0.0
        for life in 1...Self.lives {
            var training = Training(seed: Trial.seed, life: life)
            let typical = ([0.2, 1, 5, 20, 60] as [Double]).randomElement(using: &training.numbers) ?? 1
            training.last(.start)
            training.last(.load)
            while training.now < 3600 {
                // Compilation falls into the first steps after each of these.
                training.takeSteps(Int.random(in: 1...200, using: &training.numbers), typical: typical)
                switch Int.random(in: 0..<6, using: &training.numbers) {
                case 0: training.last(.data)
                case 1: training.last(.save)
                case 2: training.last(.evaluate)
                case 3: training.last(.evaluate, alone: true)
                case 4: training.suspend(withMoltJob: true)
                default: training.suspend(withMoltJob: false)
                }
            }
            training.takeSteps(3, typical: typical)
            hours += training.now / 3600
            if let alarm = training.falseAlarm {
                alarms += 1
                Issue.record("seed \(Trial.seed), life \(life): \(alarm)")
                continue
            }
            let bound = training.bound, seconds = training.getStuck()
            #expect(seconds > bound && seconds <= bound + 2, "seed \(Trial.seed), life \(life), bound \(bound) s")
            latest = max(latest, seconds - bound)
        }
        #expect(hours >= 24)
        Trial.report(
            "N15",
            [
                "hours on a clock of their own": hours, "false alarms": Double(alarms),
                "stuck ranks found": Double(Self.lives - alarms), "found after the bound s": latest,
            ])
    }
}
