import FoundationEssentials
import MoltCore
import MoltTesting

#if canImport(Glibc)
import Glibc
#endif

/// The plugin as its own Makefile builds it, in a folder that the nodes of a testbed can read.
final class Plugin: Sendable {
    static let source = "\(Testbed.repository)/Plugins/spank-molt"

    private let folder = TemporaryFolder("plugin")
    var path: String { folder("spank_molt.so") }
    /// Where the hooks of a faulty plugin write how long they took.
    var times: String { folder("times") }

    /// - Parameter hasFaults: with every hook there is, each of which can be told to fail, and a stop-watch.
    init(hasFaults: Bool = false) throws(UserError) {
        chmod(folder.path, 0o755)
        Shell.run("install -m 666 /dev/null \(Shell.quoted(times))")
        let made = Self.make(["OUT=\(folder.path)"] + (hasFaults ? ["FAULTS=-DMOLT_SPANK_FAULTS"] : []))
        guard made.status == 0 else { throw UserError("the plugin does not build: \(made.output)") }
    }

    /// Milliseconds of every call, by hook.
    func milliseconds(job: Int? = nil) -> [String: [Double]] {
        var result: [String: [Double]] = [:]
        let text = FileManager.default.contents(atPath: times).map { String(decoding: $0, as: UTF8.self) } ?? ""
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 4, let value = Double(words[3]) else { continue }
            guard job.map({ words[1] == "\($0)" }) ?? true else { continue }
            result[String(words[0]), default: []].append(value / 1e6)
        }
        return result
    }

    @discardableResult
    static func make(_ arguments: [String]) -> (status: Int32, output: String) {
        Shell.run(["make", "-C", source] + arguments)
    }
}

/// What Slurm says about a job, and what the plugin wrote.
struct JobView {
    let fields: [String: String]

    var state: String { fields["JobState"] ?? "" }
    var exitCode: String { fields["ExitCode"] ?? "" }
    var isOver: Bool { ["COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL"].contains(state) }

    init(_ line: String) {
        var fields: [String: String] = [:]
        for word in line.split(separator: " ") {
            let parts = word.split(separator: "=", maxSplits: 1)
            if parts.count == 2, fields[String(parts[0])] == nil { fields[String(parts[0])] = String(parts[1]) }
        }
        self.fields = fields
    }
}

extension Testbed {
    /// Writes a batch script and submits it.
    func submit(
        _ script: String, _ options: [String] = [], environment: [String] = []
    ) throws -> (status: Int32, output: String) {
        let path = "\(folder)/script-\(UInt64.random(in: 0..<1 << 60)).sh"
        try DurableFile.write(Data("#!/bin/bash\n\(script)\n".utf8), to: path)
        chmod(path, 0o755)
        return slurm(
            ["env"] + environment + ["sbatch", "--parsable", "--chdir=\(work)", "--output=\(work)/%j.out"] + options
                + [path])
    }

    /// Submits what must be accepted.
    func job(_ script: String, _ options: [String] = [], environment: [String] = []) throws -> Int {
        let answer = try submit(script, options, environment: environment)
        guard answer.status == 0, let id = answer.output.split(separator: "\n").last.flatMap({ Int($0) }) else {
            throw UserError("sbatch: \(answer.output)")
        }
        return id
    }

    func view(_ job: Int) -> JobView {
        JobView(slurm(["scontrol", "show", "job", "-o", "\(job)"]).output)
    }

    func end(of job: Int, within seconds: Double = 60) async throws -> JobView {
        guard await eventually(within: seconds, { view(job).isOver }) else {
            throw UserError("job \(job) is not over after \(seconds) s: \(view(job).fields)")
        }
        return view(job)
    }

    /// Names of nodes that Slurm will not use.
    var drained: [String] {
        slurm(["sinfo", "-h", "-N", "-p", "low", "-o", "%N %T %E"]).output.split(separator: "\n").map(String.init)
            .filter { $0.contains("drain") || $0.contains("down") || $0.contains("fail") }
    }

    func read(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }

    /// A record of the plugin's.
    func record(_ path: String) throws -> Record {
        guard let data = FileManager.default.contents(atPath: path) else { throw UserError("there is no \(path)") }
        return try JSONDecoder().decode(Record.self, from: data)
    }
}

/// Every field that the plugin's page promises.
struct Record: Decodable {
    var version: Int
    var host: String
    var job: Int
    var incarnation: Int
    var startedAt: Double
    var endedAt: Double?
    var endsAt: Int?
    var nodes: Int?
    var batch: Bool?
    var step: Int?
    var rank: Int?
    var status: Int32?
    var signal: Int32?
    var progressAt: Double?
    var problem: String?
    var epoch: Int?
    var key: String?
    var cpus: String?
    var memory: String?
    var gpus: String?
    var visibleGPUs: String?
}
