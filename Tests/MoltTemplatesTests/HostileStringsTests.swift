import FoundationEssentials
import MoltCore
import MoltRecipe
import MoltTemplates
import MoltTesting
import Testing

/// Two thousand strings that mean something to a shell or to sbatch, in every field that a recipe, a site or a user's
/// environment brings into a batch script.
struct HostileStringsTests {
    private static let library = TemplateLibrary(folders: [])

    /// What opens or closes a word, around what would then run or be read as an option.
    static let strings: [String] = {
        let before = [
            "", "'", "\"", "\\", "a\n", "a\r\n", "'\n", "\"\n", "a'\"", "#", "x #", "a\u{0B}", "\\\n", "$", "é", "a ",
        ]
        let middle = [
            "$(touch $CANARY)", "`touch $CANARY`", ";touch $CANARY;", "|touch $CANARY", "&&touch $CANARY",
            "&touch $CANARY&", "\ntouch $CANARY\n", "\n#SBATCH --wrap=touch\n", " --wrap=touch", ">$CANARY",
            "${CANARY:=x}", "<(touch $CANARY)", "../../../evil", "%x%j%A", " hetjob ", "packjob", "\u{202E}exe", "!!",
        ]
        let after = ["", "'", "\"", "\\", "\n", "#", " ", "}"]
        return before.flatMap { head in middle.flatMap { body in after.map { head + body + $0 } } }
    }()

    private typealias Field = (name: String, put: @Sendable (inout AttemptInput, String) -> Void)

    private static let fields: [Field] = {
        var fields: [Field] = [
            ("name", { $0.recipe.name = $1 }), ("command", { $0.recipe.command = [$1] }),
            ("argument", { $0.recipe.command = ["sh", "-c", $1] }),
            ("variable", { $0.recipe.environment["A"] = $1 }), ("variable's name", { $0.recipe.environment[$1] = "x" }),
            ("working_directory", { $0.recipe.workingDirectory = $1 }),
            ("partition", { $0.recipe.resources.partition = $1 }), ("account", { $0.recipe.resources.account = $1 }),
            ("qos", { $0.recipe.resources.qos = $1 }), ("excluded node", { $0.excludedNodes = ["n1", $1] }),
            ("PATH", { $0.environment["PATH"] = $1 }), ("HOME", { $0.environment["HOME"] = $1 }),
            ("site's account", { $0.site.account = $1 }), ("site's partition", { $0.site.partitions.default = $1 }),
            ("site's variable", { $0.site.environment["B"] = $1 }),
            ("site's GPUs", { input, text in
                input.site.gpus.gres = text
                input.recipe.resources.gpusPerNode = 2
            }),
        ]
        for option in SlurmOption.allCases {
            fields.append(("slurm.\(option.rawValue)", { $0.recipe.resources.slurm[option.rawValue] = $1 }))
        }
        return fields
    }()

    private func input() throws -> AttemptInput {
        let text = "task: command\nname: n\ncommand: [\"true\"]\n"
        let loader = RecipeLoader(source: Self.library, currentFolder: "/home/ada")
        var site = Site(name: "cluster", kind: .slurm, prefix: "/shared/molt", runs: "/shared/runs")
        site.partitions.default = "low"
        let run = try #require(RunID(rawValue: "0abcdefg"))
        let key = try #require(AttemptKey(rawValue: "00112233445566778899aabbccddeeff"))
        return AttemptInput(
            run: run, recipe: try loader.load(text: text, label: "r.yaml").recipe, site: site, attempt: 1, key: key,
            prefix: "/shared/molt/1", runFolder: RunFolder(runs: site.runs, id: run), daemonFile: "/d.json")
    }

    private func script(_ input: AttemptInput) -> String? {
        try? AttemptBuilder.jobRequest(input, template: Self.library.script()).script
    }

    private static func isDirective(_ line: Substring) -> Bool { line.hasPrefix("#SBATCH ") }

    @Test func thereAreEnoughOfBoth() {
        #expect(Set(Self.strings).count >= 2000)
        #expect(Set(Self.fields.map(\.name)).count >= 25)
    }

    /// Each string is refused, or changes nothing but the value of one directive, which sbatch reads as
    /// that very string.
    ///
    /// Covers J1, J3, N18.
    @Test func noStringEscapesFromItsField() throws {
        let plain = try #require(script(try input()))
        let body = plain.split(separator: "\n", omittingEmptySubsequences: false).filter { !Self.isDirective($0) }
        var accepted = 0
        for (number, text) in Self.strings.enumerated() {
            // Nine of the fields in turn: each field meets more than five hundred strings, of every kind.
            for offset in 0..<9 {
                let (name, put) = Self.fields[(number * 9 + offset) % Self.fields.count]
                var input = try input()
                put(&input, text)
                guard let script = script(input) else { continue }
                accepted += 1
                let lines = script.split(separator: "\n", omittingEmptySubsequences: false)
                let isSound = lines.filter { !Self.isDirective($0) } == body
                    && lines.filter(Self.isDirective).allSatisfy { Self.isOneOption($0.dropFirst(8), text) }
                #expect(isSound, "\(name): \(DisplayText.escaped(text))")
            }
        }
        #expect(accepted > 4000, "too much was refused to show anything: \(accepted)")
    }

    /// One option, whose value holds the text whole or not at all.
    private static func isOneOption(_ line: Substring, _ text: String) -> Bool {
        let arguments = SbatchGrammar.arguments(of: " " + line)
        guard arguments.count == 1, arguments[0].hasPrefix("--"), !line.contains("hetjob"), !line.contains("packjob")
        else { return false }
        let name = arguments[0].dropFirst(2).prefix { $0 != "=" }
        return name != "wrap" && name.allSatisfy { $0.isLetter || $0 == "-" }
    }

    /// A shell that executes the scripts, with a `molt-job` that writes down how it was called.
    ///
    /// Covers J1, N18.
    @Test func aShellThatRunsTheScriptsDoesNothingElse() throws {
        let folder = TemporaryFolder("canary")
        try DurableFile.makeFolder(folder("bin"))
        try DurableFile.write(Data("#!/bin/bash\necho \"$#\" >>\"$CALLS\"\n".utf8), to: folder("bin/molt-job"))
        #expect(Shell.run(["chmod", "+x", folder("bin/molt-job")]).status == 0)
        var count = 0
        for (number, text) in Self.strings.enumerated() {
            var input = try input()
            // Several of the fields that take the text, in turn, in one script.
            for offset in 0..<5 {
                let put = Self.fields[(number * 5 + offset) % Self.fields.count].put
                var next = input
                put(&next, text)
                if script(next) != nil { input = next }
            }
            guard let script = script(input) else { continue }
            count += 1
            try DurableFile.write(Data(script.utf8), to: folder("script-\(number).sh"))
        }
        #expect(count == Self.strings.count)
        let run = Shell.run([
            "env", "-C", folder.path, "CANARY=\(folder("canary"))", "CALLS=\(folder("calls"))",
            "MOLT_PREFIX=\(folder.path)", "MOLT_RUN_DIR=/run", "MOLT_ATTEMPT=1", "bash", "-c",
            "for script in script-*.sh; do bash $script || exit 1; rm $script; done",
        ])
        #expect(run.status == 0 && run.output.isEmpty, "\(run.output.prefix(500))")
        let calls = String(decoding: try DurableFile.read(folder("calls")), as: UTF8.self)
        #expect(calls.split(separator: "\n").count == count && calls.allSatisfy { $0 == "4" || $0 == "\n" })
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["bin", "calls"])
    }
}
