import MoltSimulation

#if canImport(Glibc)
import Glibc
#endif

/// `molt-sim run --seeds N [--first S] [--jobs J] [--ordeal NAME]`, `molt-sim replay SEED [ORDEAL]` and
/// `molt-sim adopt JOBS`; not installed.
@main
struct SimMain {
    static func main() async {
        var words = Array(CommandLine.arguments.dropFirst())
        guard !words.isEmpty else { usage() }
        let verb = words.removeFirst()
        switch verb {
        case "run": await run(words)
        case "adopt":
            guard words.count == 1, let jobs = Int(words[0]), jobs > 0 else { usage() }
            await adopt(jobs)
        case "replay":
            guard let first = words.first, let seed = UInt64(first), words.count <= 2 else { usage() }
            exit(await replay(seed, words.count == 2 ? ordeal(words[1]) : nil) ? 0 : 1)
        default: usage()
        }
    }

    private static func usage() -> Never {
        put(
            "usage: molt-sim run --seeds N [--first S] [--jobs J] [--ordeal NAME]\n"
                + "       molt-sim replay SEED [ORDEAL]\n       molt-sim adopt JOBS\nordeals: "
                + Ordeal.allCases.map(\.rawValue).joined(separator: ", "), to: 2)
        exit(2)
    }

    private static func ordeal(_ name: String) -> Ordeal {
        guard let ordeal = Ordeal(rawValue: name) else { usage() }
        return ordeal
    }

    private static func run(_ words: [String]) async {
        var values: [String: Int] = ["--seeds": 1000, "--first": 1, "--jobs": 2]
        var rest = words[...], ordeal: Ordeal?
        while let name = rest.popFirst() {
            if name == "--ordeal" {
                guard let word = rest.popFirst() else { usage() }
                ordeal = Self.ordeal(word)
                continue
            }
            guard values[name] != nil, let text = rest.popFirst(), let value = Int(text), value > 0 else { usage() }
            values[name] = value
        }
        let first = UInt64(values["--first"] ?? 1), count = values["--seeds"] ?? 1000
        let began = ContinuousClock.now
        let summary = await Campaign.run(
            first: first, count: count, jobs: values["--jobs"] ?? 2, ordeal: ordeal)
        let seconds = (ContinuousClock.now - began) / .seconds(1)
        put(summary.report(seconds: seconds))
        for seed in summary.failures.prefix(3) { _ = await replay(seed, ordeal) }
        let demandsCoverage = ordeal == nil && count >= Campaign.coverageSeeds
        exit(summary.isGood(demandsCoverage: demandsCoverage) ? 0 : 1)
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
    private static func replay(_ seed: UInt64, _ ordeal: Ordeal?) async -> Bool {
        let report = await Simulation.run(seed: seed, ordeal: ordeal, keepsTrace: true)
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
