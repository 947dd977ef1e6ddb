import MoltSimulation

#if canImport(Glibc)
import Glibc
#endif

/// Runs seeds of the simulation and tells what became of them; not installed.
@main
struct SimMain {
    static func main() async {
        var words = Array(CommandLine.arguments.dropFirst())
        guard !words.isEmpty else { usage() }
        let verb = words.removeFirst()
        switch verb {
        case "run": await run(words)
        case "long": await long(words)
        case "failpoints": for name in Coverage.failpointNames { put(name) }
        case "ettr": await effectiveTime(words)
        case "adopt":
            guard words.count == 1, let jobs = Int(words[0]), jobs > 0 else { usage() }
            await adopt(jobs)
        case "replay":
            guard let first = words.first, let seed = UInt64(first), words.count <= 3 else { usage() }
            let kind = words.count > 1 ? words[1] : nil
            let days = words.count > 2 ? Double(words[2]) : nil
            exit(await replay(seed, kind, days) ? 0 : 1)
        default: usage()
        }
    }

    private static func usage() -> Never {
        put(
            "usage: molt-sim run --seeds N [--first S] [--jobs J] [--ordeal NAME]\n"
                + "       molt-sim long --hours H [--first S] [--jobs J]\n"
                + "       molt-sim ettr --days D [--seeds N] [--first S]\n"
                + "       molt-sim replay SEED [ORDEAL|long [DAYS]|every-turn [DAYS]]\n"
                + "       molt-sim adopt JOBS\n"
                + "       molt-sim failpoints\nordeals: "
                + Ordeal.allCases.map(\.rawValue).joined(separator: ", "), to: 2)
        exit(2)
    }

    private static func ordeal(_ name: String) -> Ordeal {
        guard let ordeal = Ordeal(rawValue: name) else { usage() }
        return ordeal
    }

    private static func run(_ words: [String]) async {
        var ordeal: Ordeal?
        let values = numbers(words, ["--seeds": 1000, "--first": 1, "--jobs": 2]) { name, word in
            guard name == "--ordeal" else { usage() }
            ordeal = Self.ordeal(word)
        }
        let first = UInt64(values["--first"] ?? 1), count = values["--seeds"] ?? 1000
        let began = ContinuousClock.now
        let summary = await Campaign.run(
            first: first, count: count, jobs: values["--jobs"] ?? 2, ordeal: ordeal)
        let seconds = (ContinuousClock.now - began) / .seconds(1)
        put(summary.report(seconds: seconds))
        for seed in summary.failures.prefix(3) { _ = await replay(seed, ordeal?.rawValue, nil) }
        let demandsCoverage = ordeal == nil && count >= Campaign.coverageSeeds
        exit(summary.isGood(demandsCoverage: demandsCoverage) ? 0 : 1)
    }

    /// Reads pairs of a name and a number; `other` gets the pairs of other names.
    private static func numbers(
        _ words: [String], _ defaults: [String: Int], other: (String, String) -> Void = { _, _ in usage() }
    ) -> [String: Int] {
        var values = defaults, rest = words[...]
        while let name = rest.popFirst() {
            guard let text = rest.popFirst() else { usage() }
            if values[name] == nil {
                other(name, text)
                continue
            }
            guard let value = Int(text), value > 0 else { usage() }
            values[name] = value
        }
        return values
    }

    /// Worlds of days.
    private static func long(_ words: [String]) async {
        let values = numbers(words, ["--hours": 10_000, "--first": 1, "--jobs": 2])
        let began = ContinuousClock.now
        let summary = await Campaign.runLong(
            first: UInt64(values["--first"] ?? 1), hours: Double(values["--hours"] ?? 10_000),
            jobs: values["--jobs"] ?? 2)
        put(summary.longReport(seconds: (ContinuousClock.now - began) / .seconds(1)))
        for seed in summary.failures.prefix(3) { put("molt-sim replay \(seed) long") }
        exit(summary.failures.isEmpty ? 0 : 1)
    }

    /// What runs make of their time under interruptions, beside the most that can be made of it.
    private static func effectiveTime(_ words: [String]) async {
        let values = numbers(words, ["--days": 20, "--first": 1, "--seeds": 2])
        let all = await EffectiveTime.runs(
            first: UInt64(values["--first"] ?? 1), seeds: values["--seeds"] ?? 2, days: Double(values["--days"] ?? 20))
        var isGood = true
        for notice in EffectiveTime.Notice.allCases {
            let outcomes = all.filter { $0.notice == notice }
            for outcome in outcomes {
                put(
                    "seed \(outcome.seed), notice \(notice.rawValue): \(Int(outcome.hours)) hours, "
                        + "\(outcome.interruptions) interruptions, ETTR \(thousandths(outcome.reported)) "
                        + "(counted in steps: \(thousandths(outcome.measured))), "
                        + "at best \(thousandths(outcome.optimum)), share \(thousandths(outcome.share))")
                for violation in outcome.violations { put("seed \(outcome.seed): \(violation)") }
                isGood = isGood && outcome.violations.isEmpty
            }
            let mean = outcomes.reduce(0) { $0 + $1.share } / Double(outcomes.count)
            put("notice \(notice.rawValue): mean share of the optimum \(thousandths(mean)), bar "
                + thousandths(EffectiveTime.least))
            isGood = isGood && mean >= EffectiveTime.least
        }
        exit(isGood ? 0 : 1)
    }

    private static func thousandths(_ value: Double) -> String {
        let digits = String(1000 + Int((value * 1000).rounded(.down)) % 1000).dropFirst()
        return "\(Int((value * 1000).rounded(.down)) / 1000).\(digits)"
    }

    /// Twenty daemons, each of which finds so many jobs that went on without it.
    private static func adopt(_ jobs: Int) async {
        var times: [Double] = [], wrong = 0
        for _ in 0..<20 {
            let adoption = await Adoption.run(jobs: jobs)
            times.append(adoption.seconds)
            wrong += adoption.wrong.count
            for text in adoption.wrong.prefix(3) { put(text) }
        }
        times.sort()
        let milliseconds = times.map { Int(($0 * 1000).rounded()) }
        put("\(jobs) jobs adopted in \(milliseconds[10]) ms (median), \(milliseconds[19]) ms (slowest of 20); "
            + "\(wrong) wrong states")
        exit(wrong == 0 && times[19] < 5 ? 0 : 1)
    }

    /// Prints all that happens under one seed; the same bytes each time.
    private static func replay(_ seed: UInt64, _ kind: String?, _ days: Double?) async -> Bool {
        let report: SeedReport
        switch kind {
        case "long", "every-turn":
            report = await Simulation.runLong(seed: seed, days: days, skips: kind == "long", keepsTrace: true)
        default: report = await Simulation.run(seed: seed, ordeal: kind.map { ordeal($0) }, keepsTrace: true)
        }
        put("seed \(seed)\n" + report.trace.joined(separator: "\n"))
        for violation in report.violations { put("seed \(seed): \(violation)") }
        put("seed \(seed): \(report.events) events, digest \(String(report.digest, radix: 16))")
        return report.violations.isEmpty
    }

    private static func put(_ text: String, to descriptor: Int32 = 1) {
        let bytes = Array((text + "\n").utf8)
        var offset = 0
        while offset < bytes.count {
            let written = bytes[offset...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard written > 0 else { return }
            offset += written
        }
    }
}
