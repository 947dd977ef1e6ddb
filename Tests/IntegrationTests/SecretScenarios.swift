import FoundationEssentials
import MoltAPI
import MoltCore
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Twenty secrets go in at every place that takes one; then everything that was said and written is searched for them.
struct SecretScenarios {
    /// Eight by reference, one of them the site's and one an address; six plain variables, five arguments, an edit.
    private static let canaries = (1...20).map { "canary-\($0)-\(UInt64.random(in: .min ... .max))-end" }
    private static let named = 0..<8, plain = 8..<14, arguments = 14..<19, edited = 19

    private static var site: String {
        "poll: {min: 1s, max: 2s}\nenv: {SITE_PASSWORD: 'secret://s6'}"
    }

    private func addSecrets(to cluster: LiveCluster) async throws {
        let folder = "\(cluster.folder)/home/.config/molt/secrets"
        try await cluster.run(["mkdir", "-m", "700", folder])
        for (number, index) in zip(0..., Self.named) {
            // A port of the machine's own on which nobody listens: the message fails, and its failure is told.
            let text = number == 7 ? "http://127.0.0.1:1/\(Self.canaries[index])" : Self.canaries[index] + "\n"
            try await cluster.write(text, to: "home/.config/molt/secrets/s\(number)")
        }
    }

    /// Fails after it was told to, with two of its secrets in its last words.
    private static let program = """
        for n in 0 1 2 3 4 5; do
            eval "value=\\$NAMED_$n"
            [ "$value" = "$(cat "$HOME/.config/molt/secrets/s$n")" ] || exit 78
        done
        [ "$SITE_PASSWORD" = "$(cat "$HOME/.config/molt/secrets/s6")" ] || exit 78
        echo '{"step": 1, "steps": 2, "loss": 1.5}' >>"$MOLT_PROGRESS_FILE"
        until [ -e "$MOLT_CHECKPOINT_DIR/go" ]; do sleep 0.2; done
        echo "refused: $NAMED_0 and $PLAIN_TOKEN_8" >&2
        exit 3
        """

    private func submit(to cluster: LiveCluster) async throws -> String {
        var variables = (0...5).map { "NAMED_\($0): 'secret://s\($0)'" }
        variables += Self.plain.map { "PLAIN_TOKEN_\($0): \(Self.canaries[$0])" }
        return try await cluster.submit(
            command: ["/bin/sh", "-c", Self.program, "sh"] + Self.arguments.map { "--api-key=\(Self.canaries[$0])" },
            name: "secrets",
            extra: """
                environment: {\(variables.joined(separator: ", "))}
                notify: {on: [failed, stuck], webhook: 'secret://s7'}
                policy: {max_crashes: 0, max_repeats: 1}
                """)
    }

    /// Which of the secrets a text holds, by their numbers.
    private func found(in text: some Sequence<UInt8>) -> [Int] {
        let text = String(decoding: Array(text), as: UTF8.self)
        guard text.contains("canary-") else { return [] }
        return Self.canaries.indices.filter { text.contains(Self.canaries[$0]) }
    }

    /// Covers J10.
    @Test func ofTwentySecretsNoneIsWhereItDoesNotBelong() async throws {
        try await LiveCluster.with(["--nodes", "1"], site: Self.site, minutes: 4) { cluster in
            try await addSecrets(to: cluster)
            let run = try await submit(to: cluster)
            try await cluster.wait(for: run, step: 1)
            let job = try await cluster.job(of: run)
            try await cluster.molt("edit", run, "environment.EDITED=\(Self.canaries[Self.edited])")
            try commandLines()
            try await told(cluster, run, job)
            let folder = try await cluster.show(run).runFolder
            try await cluster.run(["touch", "\(folder)/checkpoints/go"])
            let detail = try await cluster.wait(for: run, toBe: .failed, within: 90)
            #expect(detail.summary.lastError?.contains("refused: [secret] and [secret]") == true, "\(detail.summary)")
            try await Command.until("the notification was tried", within: 30) {
                let log = try? DurableFile.read("\(cluster.folder)/home/.molt/moltd.log")
                return String(decoding: log ?? Data(), as: UTF8.self).contains("a notification was not delivered")
            }
            try await told(cluster, run, job)
            try await cluster.molt("daemon", "stop")
            try await files(of: cluster, run)
        }
    }

    /// Everybody can read these; only what the recipe itself makes an argument is in them.
    private func commandLines() throws {
        let pids = try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { Int32($0) != nil }
        var seen: Set<Int> = []
        for pid in pids {
            seen.formUnion(found(in: FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data()))
        }
        #expect(seen == Set(Self.arguments), "\(seen)")
    }

    /// What Molt and Slurm say of the run holds none, not even those that its owner wrote plainly.
    private func told(_ cluster: LiveCluster, _ run: String, _ job: UInt32) async throws {
        var outputs: [Output] = []
        for words in [
            ["show", run], ["why", run], ["events", run], ["ls"], ["report", run], ["report", "--by", "run"], ["du"],
            ["daemon", "status"], ["doctor", "--site", "bed"],
            ["submit", "\(cluster.folder)/secrets.yaml", "--site", "bed", "--dry-run"],
            ["recipe", "check", "\(cluster.folder)/secrets.yaml", "--site", "bed"],
            ["recipe", "render", "\(cluster.folder)/secrets.yaml", "--site", "bed"],
        ] {
            for more in [[], ["--json"]] {
                let argv = ["\(cluster.prefix)/bin/molt"] + words + more
                outputs.append(try await Command.run(argv, environment: cluster.environment))
            }
        }
        for argv in [
            ["scontrol", "show", "--details", "job", "\(job)"], ["scontrol", "write", "batch_script", "\(job)", "-"],
            ["squeue", "--all", "--states=all", "--Format=name:256,comment:256,command:1024,stdout:1024"],
        ] { outputs.append(try await Command.run(argv, environment: cluster.environment)) }
        for output in outputs {
            let isPlan = output.command.contains("--dry-run")
            let left = found(in: (output.out + output.error).utf8).filter { !isPlan || !Self.arguments.contains($0) }
            #expect(left.isEmpty, "\(left) in: \(output)")
        }
    }

    /// Named ones are in their own files alone, plain ones in the run's papers and the database too; whatever holds one
    /// is its owner's alone.
    private func files(of cluster: LiveCluster, _ run: String) async throws {
        let attempt = "runs/\(run)/attempts/1", words = "\(attempt)/0/rank-0.log"
        let papers = ["secrets.yaml", "runs/\(run)/recipe.yaml", "\(attempt)/launch.json", words]
        var holders: Set<String> = [], problems: [String] = []
        let list = try await Command.run(
            ["find", cluster.folder, "-type", "f"], environment: cluster.environment, asRoot: true)
        for path in list.lines.map(String.init) {
            let name = String(path.dropFirst(cluster.folder.count + 1))
            let held = found(in: FileManager.default.contents(atPath: path) ?? Data())
            guard !held.isEmpty else { continue }
            holders.insert(name)
            let isStore = name.hasPrefix("home/.molt/molt.sqlite") || name.hasPrefix("home/.molt/backups/")
            for number in held {
                let isOwnFile = name.hasPrefix("home/.config/molt/secrets/")
                let isRight = Self.named.contains(number)
                    ? isOwnFile || name == words && number == 0 : isStore || papers.contains(name)
                if !isRight { problems.append("\(number) in \(name)") }
            }
            var status = stat()
            if stat(path, &status) != 0 || status.st_mode & 0o077 != 0 {
                problems.append("\(name) is open to others: \(String(status.st_mode, radix: 8))")
            }
        }
        #expect(problems.isEmpty, "\(problems)")
        // Were the search blind, nothing would be found where it must be.
        for name in papers { #expect(holders.contains(name), "\(name) holds none") }
        #expect(holders.contains { $0.hasPrefix("home/.molt/molt.sqlite") })
    }
}
