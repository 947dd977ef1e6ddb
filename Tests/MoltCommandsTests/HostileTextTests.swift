import FoundationEssentials
import MoltAPI
import MoltCore
import MoltTesting
import Testing

/// Text that would do harm if anything took it for syntax: it arrives as it is, or is refused by name.
struct HostileTextTests {
    private static let texts = [
        "it's \"quoted\"", "$(touch harmed)", "`touch harmed`", "; touch harmed #", "../../harmed", "🦊 ü\u{301}",
        "two\nlines", "%j %x \\ {{name}} ${HOME}", "-rf --help", "a\tb",
    ]

    private func isHarmed(_ molt: Molt) -> Bool {
        Shell.run(["find", molt.folder.path, "-name", "harmed*"]).output.contains("harmed")
    }

    private func quoted(_ text: String) throws -> String {
        String(decoding: try JSONEncoder().encode(text), as: UTF8.self)
    }

    /// Covers J1, J9.
    @Test func argumentsAndVariablesReachTheProgramAsTheyAre() throws {
        let molt = try Molt()
        let arguments = try Self.texts.map(quoted).joined(separator: ", ")
        try molt.write(
            """
            for word in "$VALUE" "$@"; do printf '%s\\0' "$word"; done >"$MOLT_CHECKPOINT_DIR/said"
            """, to: "say.sh")
        try molt.write(
            """
            name: hostile
            task: command
            command: [/bin/sh, say.sh, \(arguments)]
            environment: {VALUE: \(try quoted(Self.texts.joined()))}
            """, to: "r.yaml")
        let answer = try molt("submit", "r.yaml", "--wait", "--json")
        #expect(answer.status == 0, "\(answer.error)\(answer.out)")
        let folder = try JSONDecoder().decode(RunDetail.self, from: Data(answer.out.utf8)).runFolder
        let words = try molt.text("\(folder)/checkpoints/said").split(separator: "\0").map(String.init)
        #expect(words == [Self.texts.joined()] + Self.texts)
        #expect(!isHarmed(molt))
    }

    @Test(arguments: ["it's \"quoted\" & a b", "$(touch harmed)", "`touch harmed`; #", "🦊 %j {{name}}"])
    func aRunStartsInAFolderOfAnyName(_ name: String) throws {
        let molt = try Molt(), folder = molt.folder("work/\(name)")
        try DurableFile.makeFolder(folder)
        try molt.write("task: command\nname: here\ncommand: [sh, -c, 'pwd >here']\n", to: "work/\(name)/r '$(x).yaml")
        let answer = try molt.run(
            "/usr/bin/env", ["-C", folder, "\(molt.programs)/molt", "submit", "r '$(x).yaml", "--wait"])
        #expect(answer.status == 0, "\(answer.error)\(answer.out)")
        #expect(try molt.text("\(folder)/here") == folder + "\n")
        #expect(!isHarmed(molt))
    }

    /// Covers J2.
    @Test(arguments: texts)
    func aReferenceThatIsNoRunIsNamedOnOneLine(_ text: String) throws {
        let molt = try Molt()
        for command in ["show", "cancel", "logs", "rm"] {
            let answer = try molt.run("\(molt.programs)/molt", [command, "--", text])
            #expect(answer.status == 2, "\(command): \(answer.error)")
            #expect(answer.error.split(separator: "\n").count <= 2, "\(answer.error)")
        }
        #expect(!isHarmed(molt))
    }

    /// Covers J5.
    @Test(arguments: texts)
    func aSiteOfSuchANameIsRefused(_ text: String) throws {
        let molt = try Molt()
        try molt.write("task: command\nname: a\ncommand: [\"true\"]\n", to: "r.yaml")
        let answer = try molt("submit", "r.yaml", "--site=\(text)")
        #expect(answer.status == 2, "\(answer.error)")
        #expect(!isHarmed(molt))
    }
}
