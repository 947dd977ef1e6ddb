import FoundationEssentials
import MoltCore
import Testing

/// `molt doctor` against a real Slurm: what it finds has numbers, and what would lose work fails the command.
struct DoctorScenarios {
    private struct Verdict: Decodable {
        let level: String
        let subject: String
        let finding: String
        let advice: String?
    }

    private func doctor(
        _ cluster: LiveCluster, _ recipe: [String] = [], expecting status: Int32 = 0
    ) async throws -> [String: Verdict] {
        let output = try await cluster.run(
            ["\(cluster.prefix)/bin/molt", "doctor", "--site", "bed", "--json"] + recipe, expecting: status)
        let verdicts = try JSONDecoder().decode([Verdict].self, from: Data(output.out.utf8))
        #expect(verdicts.contains { $0.level == "bad" } == (status != 0), "\(verdicts)")
        return Dictionary(verdicts.map { ($0.subject, $0) }) { first, _ in first }
    }

    private func site(_ extra: String, on cluster: LiveCluster) async throws {
        try await cluster.write(
            """
            kind: slurm
            prefix: \(cluster.prefix)/..
            runs: \(cluster.folder)/runs
            slurm_conf: \(cluster.folder)/slurm/slurm.conf
            \(extra)
            """, to: "home/.config/molt/sites/bed.yaml")
    }

    @Test func aWorkingSiteIsDescribedInNumbers() async throws {
        try await LiveCluster.with(["--nodes", "2", "--set", "RequeueExit=75"], minutes: 2) { cluster in
            let found = try await doctor(cluster)
            #expect(found["scheduler"]?.finding.contains("2 of 2 nodes respond") == true, "\(found)")
            #expect(
                found["scheduler"]?.finding.hasPrefix("slurm 22.05.8 (helper built for 22.05.8)") == true, "\(found)")
            #expect(found["partition low20"]?.finding.contains("GraceTime 20 s + KillWait 5 s") == true)
            #expect(found["partition low20"]?.level == "ok")
            // Five seconds between the warning and the kill are too few for a save.
            #expect(found["partition low"]?.level == "warning")
            #expect(found["partition low"]?.finding.contains("KillWait 5 s") == true)
            #expect(found["partition high"]?.finding.contains("not preemptible") == true)
            #expect(found["partition short"]?.finding.contains("limit 1") == true)
            #expect(found["MinJobAge"]?.finding.contains("20 s") == true)
            #expect(found["JobRequeue"]?.finding.contains("6 s") == true, "cred_expire + 1: \(found)")
            #expect(found["RequeueExit"]?.finding.contains("75") == true)
            #expect(found["engine"]?.level == "ok" && found["installation"]?.level == "ok")
            #expect(found["clock"]?.level == "ok")
            // The user of this Slurm is its SlurmUser, and its release is an old one.
            #expect(found["rights"]?.level == "warning" && found["rights"]?.finding.contains("SlurmUser") == true)
            #expect(found["permissions"]?.level == "ok", "\(found["permissions"]?.finding ?? "")")
            #expect(found["Slurm release"]?.finding.contains("CVE-2026-65107") == true, "\(found)")
            #expect(found["network"] == nil && found["secrets"] == nil)
            // Nothing was saved here yet: a guess makes nothing bad.
            let large = try await doctor(cluster, ["bamba-9b", "resources.partition=low", "resources.time=30m"])
            #expect(large["saving"]?.level == "warning", "\(large)")
            #expect(large["saving"]?.finding.contains("(assumed): an attempt of 30 min would end") == true, "\(large)")
            let small = try await doctor(cluster, ["demo-pretrain", "resources.partition=low20"])
            #expect(small["saving"]?.finding.contains("a preemption leaves 25 s") == true, "\(small)")
            let text = try await cluster.molt("doctor", "--site", "bed").out
            #expect(text.contains("0 bad"), "\(text)")
        }
    }

    @Test func whatWouldLoseWorkFailsTheCommand() async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 3) { cluster in
            try await site("partitions: {default: low, allowed: [low, hihg]}", on: cluster)
            let partition = try await doctor(cluster, expecting: 1)["partition hihg"]
            #expect(partition?.level == "bad" && partition?.advice?.contains("high") == true)

            try await site("partitions: {default: low}\npoll: {min: 5s, max: 60s}", on: cluster)
            #expect(try await doctor(cluster)["MinJobAge"]?.level == "warning", "20 s are less than two looks")

            try await cluster.testbed("node-down", ["1"])
            try await Command.until("Slurm says that the node is down", within: 15) {
                try await cluster.run(["sinfo", "-h", "-n", "n1", "-o", "%t"]).out.hasPrefix("down")
            }
            let nodes = try await doctor(cluster, expecting: 1)["scheduler"]
            #expect(nodes?.finding.contains("0 of 1 nodes respond") == true)

            try await cluster.testbed("ctld-kill")
            let gone = try await doctor(cluster, expecting: 1)["scheduler"]
            #expect(gone?.level == "bad" && gone?.advice != nil)
        }
    }
}
