import FoundationEssentials
import MoltCore
import MoltJob
import MoltTesting
import Testing

/// Secrets reach the program, and nothing that Molt writes about it.
struct SecretTests {
    private func home(_ fixture: JobFixture, _ secrets: [String: String]) throws -> [String: String] {
        let folder = fixture.folder("home/.config/molt/secrets")
        try DurableFile.makeFolder(folder)
        for (name, text) in secrets { try DurableFile.write(Data(text.utf8), to: "\(folder)/\(name)") }
        return ["HOME": fixture.folder("home")]
    }

    /// Covers J10.
    @Test func theProgramGetsTheValueAndNothingElseDoes() throws {
        let script = "printf '%s|%s' \"$HF\" \"$MY_TOKEN\" >\"$MOLT_CHECKPOINT_DIR/got\"; "
            + "echo \"refused: $HF and $MY_TOKEN\"; exit 3"
        let fixture = try JobFixture(script)
        fixture.plan.environment = ["HF": "secret://hf", "MY_TOKEN": "canary-plain"]
        #expect(try fixture.runToEnd(try home(fixture, ["hf": "canary-named\n"])) == 3)
        #expect(fixture.text(fixture.run.checkpoints + "/got") == "canary-named|canary-plain")
        #expect(fixture.rankLog(0).contains("refused: canary-named and canary-plain"), "its own words are its own")
        let receipt = try fixture.receipt()
        #expect(receipt.reason.contains("refused: [secret] and [secret]"), "\(receipt.reason)")
        let events = fixture.text(fixture.run.events(epoch: 1, writer: .job))
        for text in [receipt.reason, events, fixture.jobLog, fixture.text(fixture.folder("out"))] {
            #expect(!text.isEmpty && !text.contains("canary"), "\(text)")
        }
    }

    /// Covers J10.
    @Test func aSecretThatIsGoneIsTheUsersToMend() throws {
        let fixture = try JobFixture("exit 0")
        fixture.plan.environment = ["HF": "secret://hf"]
        #expect(try fixture.runToEnd(try home(fixture, [:])) == JobExit.userError.rawValue)
        let receipt = try fixture.receipt()
        #expect(receipt.reason.contains("the secret 'hf' cannot be read"), "\(receipt.reason)")
        #expect(receipt.unfitNodes == nil, "no other node could read it")
    }
}
