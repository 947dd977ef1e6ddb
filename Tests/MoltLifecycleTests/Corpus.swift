import FoundationEssentials
import MoltCore
import MoltLifecycle
import Testing

/// Labelled ends of logs and exit records, from `Corpus/*.txt`.
///
/// `=== name`, then lines of facts: `cause` (what a person would call it), `end` with the scheduler's last word and
/// what else is known (`status=`, `signal=`, `claimed`, `preempted`, `preemptible`, `limit`, `oom`, `down`, `wish=`),
/// `receipt CODE`, `died rank= host= status= signal=`; then `--- rank N`, `--- job` or `--- scheduler` with the log.
struct Sample: Sendable, CustomTestStringConvertible {
    var name: String
    var cause: Cause
    var end: IncarnationEnd

    var testDescription: String { name }

    struct Unreadable: Error {
        let line: String
    }

    static func all() throws -> [Sample] {
        let folder = #filePath.split(separator: "/").dropLast().joined(separator: "/")
        let names = try FileManager.default.contentsOfDirectory(atPath: "/\(folder)/Corpus").sorted()
        return try names.filter { $0.hasSuffix(".txt") }.flatMap { name in
            let text = String(decoding: try DurableFile.read("/\(folder)/Corpus/\(name)"), as: UTF8.self)
            return try ("#\n" + text).split(separator: "\n=== ").dropFirst().map { try Sample(String($0)) }
        }
    }

    init(_ text: String) throws {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)[...]
        name = lines.removeFirst()
        let facts = lines.prefix { !$0.hasPrefix("--- ") }
        var tails: [LogTail] = []
        for line in lines.dropFirst(facts.count) {
            if line.hasPrefix("--- ") {
                tails.append(LogTail(try Self.source(String(line.dropFirst(4))), ""))
            } else if let last = tails.indices.last {
                tails[last].text += line + "\n"
            }
        }
        var cause: Cause?
        var end = IncarnationEnd(ending: .vanished)
        for line in facts where !line.isEmpty {
            let words = line.split(separator: " ").map(String.init)
            switch words[0] {
            case "cause": cause = Cause(rawValue: words[1])
            case "end": try Self.read(Array(words.dropFirst()), into: &end)
            case "receipt": end.receipt = try Self.receipt(words)
            case "died":
                end.firstToFail = WorkerEnd(
                    rank: Int(Self.value("rank", words) ?? 0), host: "n1", status: Self.value("status", words),
                    signal: Self.value("signal", words), endedAt: 1)
            default: throw Unreadable(line: line)
            }
        }
        guard let cause else { throw Unreadable(line: "\(name) has no cause") }
        self.cause = cause
        let first = end.receipt?.failedRank ?? end.firstToFail?.rank
        end.finding = Finding.of(tails, firstRank: first)
        self.end = end
    }

    private static func read(_ words: [String], into end: inout IncarnationEnd) throws {
        switch words[0] {
        case "requeued": end.ending = .requeued
        case "vanished": end.ending = .vanished
        default:
            let base = JobObservation.Base.allCases.first { "\($0)" == words[0] }
            guard let base else { throw Unreadable(line: words[0]) }
            end.ending = .terminal(base)
        }
        end.exitStatus = value("status", words) ?? 0
        end.exitSignal = value("signal", words) ?? 0
        end.wasClaimed = words.contains("claimed")
        end.wasPreempted = words.contains("preempted")
        end.mayBePreempted = words.contains("preemptible")
        end.reachedLimit = words.contains("limit")
        end.outOfMemoryMark = words.contains("oom")
        end.lostNode = words.contains("down")
        if words.contains("wish=cancel") { end.wish = .cancel }
        if words.contains("wish=pause") { end.wish = .pause }
    }

    private static func receipt(_ words: [String]) throws -> Receipt {
        guard let code = words.dropFirst().first.flatMap({ Int32($0) }) else { throw Unreadable(line: "receipt") }
        return Receipt(
            key: .random(), incarnation: 0, epoch: 1, exitCode: code, reason: "", stopSignal: value("signal", words),
            failedRank: value("rank", words).map { Int($0) }, startedAt: 0, endedAt: 1)
    }

    private static func source(_ text: String) throws -> LogTail.Source {
        switch text {
        case "job": return .job
        case "scheduler": return .scheduler
        default:
            guard let rank = Int(text.dropFirst("rank ".count)) else { throw Unreadable(line: text) }
            return .rank(rank)
        }
    }

    private static func value(_ name: String, _ words: [String]) -> Int32? {
        words.first { $0.hasPrefix("\(name)=") }.flatMap { Int32($0.dropFirst(name.count + 1)) }
    }
}
