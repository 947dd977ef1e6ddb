import FoundationEssentials
import MoltAPI
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// What the daemon and its helper cost, as the kernel counts it; what they ask of the controller, as that counts it.
struct LoadMeter {
    let cluster: LiveCluster

    struct Reading {
        var at: ContinuousClock.Instant
        /// Seconds of a core by the process number: the daemon's own and its helper's.
        var cores: [Int32: Double]
        var questions: [String: Int]
        /// Seconds of the controller for the questions of whoever wants to know something.
        var answered: Double
    }

    struct Cost {
        var seconds: Double
        var daemon: Double
        var helper: Double
        var questions: [String: Int]
        /// The part of the time that the controller spent on answers.
        var controller: Double
    }

    func read() async throws -> Reading {
        var questions: [String: Int] = [:], microseconds = 0.0
        for line in try await cluster.run(["sdiag"]).lines {
            let words = line.split { $0 == " " || $0 == "\t" }
            guard let name = words.first, name.hasPrefix("REQUEST_"), name.contains("INFO"),
                name != "REQUEST_STATS_INFO"
            else { continue }
            questions[String(name), default: 0] += Self.number("count:", in: words)
            microseconds += Double(Self.number("total_time:", in: words))
        }
        return Reading(
            at: ContinuousClock().now, cores: try cores(), questions: questions, answered: microseconds / 1e6)
    }

    func cost(from before: Reading, to after: Reading) throws -> Cost {
        let seconds = (after.at - before.at) / .seconds(1), daemon = try self.daemon()
        let used = after.cores.map { ($0.key, $0.value - before.cores[$0.key, default: 0]) }
        return Cost(
            seconds: seconds, daemon: used.filter { $0.0 == daemon }.reduce(0) { $0 + $1.1 } / seconds,
            helper: used.filter { $0.0 != daemon }.reduce(0) { $0 + $1.1 } / seconds,
            questions: after.questions.merging(before.questions) { $0 - $1 }.filter { $0.value > 0 },
            controller: (after.answered - before.answered) / seconds)
    }

    func daemon() throws -> Int32 {
        try JSONFile.read(DaemonFile.self, from: "\(cluster.folder)/home/.molt/daemon.json").process.pid
    }

    /// The daemon and those whose parent it is.
    private func cores() throws -> [Int32: Double] {
        let daemon = try self.daemon(), ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        var result: [Int32: Double] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: "/proc") {
            guard let pid = Int32(name), let stat = try? DurableFile.read("/proc/\(pid)/stat") else { continue }
            // The second field is a name in brackets, which may hold anything.
            let fields = String(decoding: stat, as: UTF8.self).split(separator: ")").last?.split(separator: " ") ?? []
            guard fields.count > 14, pid == daemon || Int32(fields[1]) == daemon else { continue }
            result[pid] = fields[11...12].compactMap { Double($0) }.reduce(0, +) / ticks
        }
        return result
    }

    private static func number(_ mark: String, in words: [Substring]) -> Int {
        words.first { $0.hasPrefix(mark) }.flatMap { Int($0.dropFirst(mark.count)) } ?? 0
    }
}
