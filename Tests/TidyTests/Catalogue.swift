import FoundationEssentials

/// The catalogue of faults, and which tests show which row: read from the tests, so that nothing is claimed that no
/// test does.
struct Catalogue {
    struct Row {
        var id: String
        var fault: String
        /// What no test shows, with the reason.
        var gap: String?
    }

    struct Cover {
        var row: String
        var test: String
        var file: String
        var isLive: Bool
    }

    var rows: [Row]
    var covers: [Cover]
    /// Lines that look like a cover and are none.
    var faults: [String] = []

    static let path = "Tests/CATALOGUE.md"

    /// Rows A to J are the catalogue; X are the experiments that were made on a real Slurm, N the numeric bars.
    var automated: Int { count("ABCDEFGHIJ") { !tests(of: $0).isEmpty } }
    var inPart: Int { count("ABCDEFGHIJ") { !tests(of: $0).isEmpty && $0.gap != nil } }
    var liveTests: Int { Set(covers.filter(\.isLive).map { "\($0.file)/\($0.test)" }).count }

    private func count(_ sections: String, _ holds: (Row) -> Bool) -> Int {
        rows.count { row in row.id.first.map(sections.contains) == true && holds(row) }
    }

    func tests(of row: Row) -> [Cover] { covers.filter { $0.row == row.id } }

    // MARK: - Reading

    static func read() -> Catalogue {
        var catalogue = Catalogue(rows: rows(), covers: [])
        for file in SourceTree.swiftTests where !file.path.hasPrefix("Tests/TidyTests/Catalogue.swift") {
            catalogue.add(file)
        }
        return catalogue
    }

    private static func rows() -> [Row] {
        (SourceTree.text("Tests/catalogue.txt") ?? "").split(separator: "\n").compactMap { line in
            guard !line.hasPrefix("#") else { return nil }
            let fields = line.split(separator: "|").map { $0.trimmed }
            guard fields.count == 2 || fields.count == 3 else { return nil }
            return Row(id: fields[0], fault: fields[1], gap: fields.count == 3 ? fields[2] : nil)
        }
    }

    private mutating func add(_ file: SourceFile) {
        let known = Set(rows.map(\.id))
        var waiting: [String] = [], isTest = false
        for (number, line) in zip(1..., file.lines) {
            let bare = line.drop { $0 == " " }
            if bare.hasPrefix("/// Covers ") {
                let ids = bare.dropFirst(11).split { $0 == "," || $0 == " " || $0 == "." }.map(String.init)
                for id in ids where !known.contains(id) { faults.append("\(file.path):\(number): no row '\(id)'") }
                waiting += ids
                isTest = false
            } else if !waiting.isEmpty {
                if bare.hasPrefix("@Test") { isTest = true }
                guard let start = bare.firstRange(of: "func ") else { continue }
                if !isTest { faults.append("\(file.path):\(number): rows above what is no test") }
                let name = String(bare[start.upperBound...].prefix { $0 != "(" })
                covers += waiting.map { Cover(row: $0, test: name, file: file.path, isLive: Self.isLive(file.path)) }
                waiting = []
            }
        }
        if !waiting.isEmpty { faults.append("\(file.path): rows above nothing") }
    }

    private static let withoutSlurm = ["Tests/PluginTests/BuildTests.swift", "Tests/PluginTests/PluginFuzzTests.swift"]

    /// True where the test drives a real slurmctld with real slurmds.
    private static func isLive(_ path: String) -> Bool {
        ["Tests/IntegrationTests/", "Tests/PluginTests/", "Tests/MoltSchedulerTests/Conformance/"]
            .contains { path.hasPrefix($0) && !withoutSlurm.contains(path) }
            || path == "Tests/MoltSchedulerTests/Slurm/SlurmFaultTests.swift"
            || path == "Tests/MoltSchedulerTests/Backends/WaysFaultTests.swift"
            || path == "Tests/MoltSchedulerTests/Slurm/BothWaysTests.swift"
    }

    // MARK: - Writing

    var text: String {
        let all = count("ABCDEFGHIJ") { _ in true }
        var lines = [
            "# Faults and the tests that show how Molt answers them", "",
            "Made from `Tests/catalogue.txt` and the `/// Covers` lines of the tests; a tidy test compares it.", "",
            "- Rows A to J: \(automated) of \(all) automated, \(inPart) of them in part (the gap is told).",
            "- Live tests, on a real Slurm: \(liveTests) in this table.",
        ]
        for (section, title) in Self.sections {
            let rows = rows.filter { $0.id.first == section }
            lines += ["", "## \(section): \(title)", ""]
            lines += ["| row | fault | tests | live | not shown |", "|--|--|--|--|--|"]
            lines += rows.map(line)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func line(_ row: Row) -> String {
        let tests = tests(of: row)
        func names(_ isLive: Bool) -> String {
            tests.filter { $0.isLive == isLive }.map(\.test).sorted().joined(separator: ", ")
        }
        return "| \(row.id) | \(row.fault) | \(names(false)) | \(names(true)) | \(row.gap ?? "") |"
    }

    private static let sections: [(Character, String)] = [
        ("A", "submission"), ("B", "controller and authentication"), ("C", "identity, memory, accounting"),
        ("D", "running, nodes, preemption"), ("E", "checkpoints and file systems"), ("F", "arrays"), ("G", "clocks"),
        ("H", "database and daemon"), ("I", "hangs, numerics, GPUs"), ("J", "hostile input"),
        ("X", "experiments on a real Slurm"), ("N", "numeric bars"),
    ]
}

extension Substring {
    fileprivate var trimmed: String {
        var rest = self.drop { $0 == " " }
        while rest.last == " " { rest.removeLast() }
        return String(rest)
    }
}
