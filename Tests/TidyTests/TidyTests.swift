import Testing

/// The style rules that a program can check, over the whole tree (goal: no review ever argues about them).
struct TidyTests {
    static let linesMax = 500
    static let columnsMax = 120
    static let functionLinesMax = 70

    @Test func theTreeIsWhereTheTestsLook() {
        #expect(SourceTree.swiftSources.count > 40)
        #expect(SourceTree.swiftTests.contains { $0.path == "Tests/TidyTests/TidyTests.swift" })
    }

    @Test(arguments: SourceTree.swiftSources)
    func noShortcutsThatTrap(_ file: SourceFile) {
        for (number, line) in file.code where Patterns.traps.contains(where: line.contains) {
            Issue.record("\(file.path):\(number): \(line.trimmedForReport)")
        }
    }

    @Test(arguments: SourceTree.swiftSources)
    func uncheckedConcurrencyGivesItsReason(_ file: SourceFile) {
        for (number, line) in file.code where Patterns.unchecked.contains(where: line.contains) {
            let above = number >= 2 ? file.lines[number - 2].drop { $0 == " " } : ""
            if !above.hasPrefix("//") { Issue.record("\(file.path):\(number): no reason on the line above") }
        }
    }

    @Test(arguments: SourceTree.swiftSources + SourceTree.swiftTests)
    func filesAndLinesStayReadable(_ file: SourceFile) {
        #expect(file.lines.count <= Self.linesMax, "\(file.path) has \(file.lines.count) lines")
        for (number, line) in zip(1..., file.lines) where line.count > Self.columnsMax {
            Issue.record("\(file.path):\(number): \(line.count) columns")
        }
    }

    @Test(arguments: SourceTree.nativeSources)
    func nativeFilesStayReadable(_ file: SourceFile) {
        #expect(file.lines.count <= Self.linesMax, "\(file.path) has \(file.lines.count) lines")
    }

    @Test(arguments: SourceTree.swiftSources)
    func functionsFitOnAScreen(_ file: SourceFile) {
        for function in FunctionSpan.all(in: file) where function.lines > Self.functionLinesMax {
            Issue.record("\(file.path):\(function.start): a function of \(function.lines) lines")
        }
    }

    @Test(arguments: SourceTree.swiftSources)
    func modulesImportOnlyWhatTheDesignAllows(_ file: SourceFile) {
        guard let allowed = ModuleEdges.allowed[file.module] else {
            Issue.record("\(file.path) is in a module that ModuleEdges does not know")
            return
        }
        for name in file.imports {
            if ModuleEdges.allowed[name] != nil || name.hasPrefix("CMolt")
                || ["COpenSSL", "CSlurm", "CCurl"].contains(name)
            {
                #expect(allowed.contains(name), "\(file.path) imports \(name)")
            }
            if let owners = ModuleEdges.owners[name] {
                #expect(owners.contains(file.module), "\(file.path) imports \(name)")
            }
            if name == "Foundation" {
                #expect(ModuleEdges.foundation.contains(file.module), "\(file.path) imports all of Foundation")
            }
        }
    }

    @Test(arguments: SourceTree.swiftTests)
    func testsNeitherSkipNorReachInside(_ file: SourceFile) {
        guard !file.path.hasPrefix("Tests/TidyTests") else { return }
        for (number, line) in file.code where Patterns.evasions.contains(where: line.contains) {
            Issue.record("\(file.path):\(number): \(line.trimmedForReport)")
        }
    }

    @Test(arguments: SourceTree.swiftSources + SourceTree.swiftTests + SourceTree.nativeSources)
    func nothingIsLeftForLater(_ file: SourceFile) {
        guard !file.path.hasPrefix("Tests/TidyTests") else { return }
        for (number, line) in zip(1..., file.lines) where Patterns.unfinished.contains(where: line.contains) {
            Issue.record("\(file.path):\(number): \(line.trimmedForReport)")
        }
    }

    /// Foundation's own ends the process for some nested texts: see BoundedJSON.
    @Test(arguments: SourceTree.swiftSources)
    func foreignJSONIsReadToABoundedDepth(_ file: SourceFile) {
        guard file.module != "MoltTesting", file.path != "Sources/MoltCore/BoundedJSON.swift" else { return }
        for (number, line) in file.code where line.contains(" JSONDecoder(") || line.contains("(JSONDecoder(") {
            Issue.record("\(file.path):\(number): \(line.trimmedForReport)")
        }
    }

    @Test func everyTemplateIsEmbedded() {
        let assets = SourceTree.files(under: "Sources/CMoltAssets", extensions: ["c", "h", "inc"]).flatMap(\.lines)
        for template in SourceTree.files(under: "Templates", extensions: ["yaml", "sbatch"]) {
            let name = template.path.split(separator: "/").last.map(String.init) ?? template.path
            #expect(assets.contains { $0.contains(name) }, "\(template.path) is embedded nowhere")
        }
    }
}

enum Patterns {
    static let traps = ["try!", "as!", "fatalError("]
    static let unchecked = ["@unchecked Sendable", "nonisolated(unsafe)"]
    static let evasions = [".disabled(", ".enabled(if", "withKnownIssue", "@testable", "XCTSkip"]
    static let unfinished = ["TODO", "FIXME", "XXX:"]
}
