import FoundationEssentials
import MoltAPI
import MoltCore

extension LiveCluster {
    /// A program that counts: a step each quarter of a second, its checkpoint is one number, a stop saves and exits 75.
    /// Its second argument, if any, is how many seconds that takes.
    static let counter = """
        file=$MOLT_CHECKPOINT_DIR/count
        count=$(cat "$file" 2>/dev/null || echo 0)
        save() { echo "$count" >"$file.tmp" && mv "$file.tmp" "$file"; }
        trap 'save; sleep "${2:-0}"; exit 75' TERM USR1 USR2 INT
        echo "restart $MOLT_RESTART epoch $MOLT_EPOCH from $count on $(hostname)"
        while [ "$count" -lt "$1" ]; do
            count=$((count + 1))
            echo "{\\"step\\": $count, \\"steps\\": $1, \\"loss\\": 1.5}" >>"$MOLT_PROGRESS_FILE"
            save
            sleep 0.25 & wait $!
        done
        """

    /// Submits a counting run and returns its id.
    func submitCounter(
        to count: Int, name: String = "counter", partition: String = "low", time: String? = "10m",
        resources: String = "", extra: String = ""
    ) async throws -> String {
        try await submit(
            command: ["/bin/sh", "\(folder)/counter.sh", "\(count)"], name: name, partition: partition,
            time: time, resources: resources, extra: extra)
    }

    func submit(
        command: [String], name: String, partition: String = "low", time: String? = "10m", resources: String = "",
        extra: String = ""
    ) async throws -> String {
        let asked = [time.map { "time: \($0)" }, resources.isEmpty ? nil : resources].compactMap { $0 }
        let more = asked.map { ", \($0)" }.joined()
        let argv = String(decoding: try JSONEncoder().encode(command), as: UTF8.self)
        try await write(
            """
            name: \(name)
            task: command
            command: \(argv)
            resources: {nodes: 1, partition: \(partition)\(more)}
            \(extra)
            """, to: "\(name).yaml")
        let output = try await molt("submit", "\(folder)/\(name).yaml", "--site", "bed", "--json")
        return try JSONDecoder().decode(Submitted.self, from: Data(output.out.utf8)).id
    }

    func show(_ run: String) async throws -> RunDetail {
        try JSONDecoder().decode(RunDetail.self, from: Data(try await molt("show", run, "--json").out.utf8))
    }

    /// Waits for a state, and fails at once when the run ends in another one.
    @discardableResult
    func wait(for run: String, toBe state: RunState, within seconds: Double = 120) async throws -> RunDetail {
        var last: RunDetail?
        try await Command.until("run \(run) is \(state)", within: seconds) {
            let detail = try await self.show(run)
            last = detail
            let now = detail.summary.state
            if now != state, now.isFinal {
                throw CommandFailed(
                    description: "run \(run) is \(now) instead of \(state): \(detail.summary.lastError ?? "")")
            }
            return now == state
        }
        return try last ?? { throw CommandFailed(description: "no detail of \(run)") }()
    }

    /// Waits until the run has counted at least so far.
    func wait(for run: String, step: Int, within seconds: Double = 120) async throws {
        try await Command.until("run \(run) is at step \(step)", within: seconds) {
            (try await self.show(run).summary.step ?? 0) >= step
        }
    }

    /// The job of the newest attempt that has one.
    func job(of run: String, within seconds: Double = 60) async throws -> UInt32 {
        var job: UInt32?
        try await Command.until("run \(run) has a job", within: seconds) {
            job = try await self.show(run).attempts.last { $0.jobID != nil }?.jobID
            return job != nil
        }
        return try job ?? { throw CommandFailed(description: "no job") }()
    }

    /// What Slurm itself says of a job, one field.
    func field(_ name: String, ofJob job: UInt32) async throws -> String? {
        let output = try await Command.run(["scontrol", "show", "job", "\(job)"], environment: environment)
        return output.out.split { $0 == " " || $0 == "\n" }.first { $0.hasPrefix("\(name)=") }
            .map { String($0.dropFirst(name.count + 1)) }
    }

    /// The steps that a run's programs reported, in the order of their epochs.
    func steps(of run: RunDetail) throws -> [Int] {
        let names = try FileManager.default.contentsOfDirectory(atPath: "\(run.runFolder)/events").sorted()
        return try names.filter { !$0.contains("-job") }.flatMap { name in
            String(decoding: try DurableFile.read("\(run.runFolder)/events/\(name)"), as: UTF8.self)
                .split(separator: "\n").compactMap {
                    try? JSONDecoder().decode(RunEvent.self, from: Data($0.utf8)).step
                }
        }
    }

    private struct Submitted: Decodable {
        let id: String
    }
}

extension LiveCluster {
    /// How far the counting program of a run has come, from its own checkpoint.
    func counted(in runFolder: String) throws -> Int {
        let text = String(decoding: try DurableFile.read("\(runFolder)/checkpoints/count"), as: UTF8.self)
        return Int(text.filter(\.isNumber)) ?? 0
    }
}

extension LiveCluster {
    /// Sends a signal to the daemon of this cluster's user.
    func signalDaemon(_ signal: Int32) async throws {
        let file = try JSONFile.read(DaemonFile.self, from: "\(folder)/home/.molt/daemon.json")
        guard file.process.isAlive else { throw CommandFailed(description: "there is no daemon") }
        try await run(["kill", "-\(signal)", "\(file.process.pid)"])
    }
}
