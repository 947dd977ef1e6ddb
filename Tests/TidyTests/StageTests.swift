import Testing

/// `Scripts/test` runs the suites in stages; a target that no stage names would never run, and nobody would notice.
struct StageTests {
    /// The names of the manifest's test targets.
    private func targets() throws -> [String] {
        let manifest = try #require(SourceTree.text("Package.swift"))
        return manifest.split(separator: "tests(").dropFirst().compactMap { part in
            let rest = part.drop { $0 == " " || $0 == "\n" }
            guard rest.first == "\"" else { return nil }
            return rest.dropFirst().split(separator: "\"", maxSplits: 1).first.map(String.init)
        }
    }

    /// What the stages choose by `--filter`.
    private func chosen() throws -> Set<String> {
        let script = try #require(SourceTree.text("Scripts/test")).replacing("\\\n", with: " ")
        var names: Set<String> = []
        for line in script.split(separator: "\n") where line.drop(while: { $0 == " " }).hasPrefix("stage \"") {
            for part in line.split(separator: "--filter ").dropFirst() {
                let word = part.split(separator: " ").first ?? ""
                names.formUnion(word.filter { $0 != "'" }.split(separator: "|").map(String.init))
            }
        }
        return names
    }

    @Test func everyTestTargetIsRunByAStage() throws {
        let targets = try targets(), chosen = try chosen()
        #expect(targets.count > 15, "the manifest was read")
        for target in targets {
            #expect(chosen.contains(target), "no stage of Scripts/test runs \(target)")
        }
    }

    @Test func everyFolderOfTestsIsATarget() throws {
        let folders = Set(SourceTree.swiftTests.map(\.module))
        #expect(folders == Set(try targets()))
    }

    @Test func everyStageNamesSomethingThatExists() throws {
        let types = SourceTree.swiftTests.flatMap { file in
            file.lines.compactMap { line -> String? in
                let words = line.split { $0 == " " || $0 == "{" || $0 == ":" }
                return words.firstIndex(of: "struct").flatMap { words.dropFirst($0 + 1).first }.map(String.init)
            }
        }
        let known = Set(try targets()).union(types)
        for name in try chosen() { #expect(known.contains(name), "Scripts/test names \(name), which is nowhere") }
    }
}
