package import MoltCore

extension JobRequest {
    /// Refuses what Slurm would take and the job or a reader of the queue would choke on. Nothing has been sent yet.
    package func check() throws(SchedulerError) {
        try checkName()
        try checkScript()
        try checkSizes()
        try Self.check(path: workingDirectory, called: "working directory")
        try Self.check(path: output, called: "output file")
        if output.contains("%") { throw Self.no("the output file's name holds a '%', which Slurm would expand") }
        for (name, value) in environment {
            guard Self.isVariable(name) else {
                throw Self.no("'\(DisplayText.escaped(name, limit: 80))' is no name for a variable")
            }
            guard !value.utf8.contains(0) else { throw Self.no("the variable \(name) holds a zero byte") }
            guard value.utf8.count + name.utf8.count < Limits.variableBytes else {
                throw Self.no("the variable \(name) has \(value.utf8.count) bytes; the system allows 128 KiB")
            }
        }
        let places = [partition, account, qos] + excludedNodes.map { $0 } + [gres]
        for value in places.compactMap({ $0 }) where !Self.isWord(value) {
            throw Self.no("'\(DisplayText.escaped(value, limit: 80))' is no name that Slurm knows")
        }
        for (name, value) in options {
            if let problem = SlurmOption.problem(name, value) { throw Self.no(problem) }
        }
    }

    /// `<run name>.<ten digits of the key>`, so nothing that could change a path, a pattern or a line of text.
    private func checkName() throws(SchedulerError) {
        let allowed = name.utf8.allSatisfy {
            switch $0 {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard allowed, !name.isEmpty, name.utf8.count <= 128, !name.hasPrefix("."), !name.hasPrefix("-") else {
            let shown = DisplayText.escaped(name, limit: 80)
            throw Self.no("the job name '\(shown)' may hold letters, digits, '.', '_', '-'")
        }
    }

    private func checkScript() throws(SchedulerError) {
        guard script.hasPrefix("#!") else { throw Self.no("the script does not start with '#!'") }
        guard !script.utf8.contains(0) else { throw Self.no("the script holds a zero byte") }
        guard !script.utf8.contains(UInt8(ascii: "\r")) else {
            throw Self.no("the script has carriage returns (line ends of Windows)")
        }
        guard script.utf8.count < Limits.scriptBytes else {
            throw Self.no("the script has \(script.utf8.count) bytes; Slurm takes up to 4 MiB")
        }
    }

    private func checkSizes() throws(SchedulerError) {
        for (what, value, least) in [
            ("nodes", nodes, 1), ("ranks a node", ranksPerNode, 1), ("CPUs a rank", cpusPerRank, 1),
            ("GPUs a node", gpusPerNode, 0), ("bytes of memory", memoryPerNode ?? 0, 0),
        ] {
            guard value >= least, what == "bytes of memory" || value <= 65_000 else {
                throw Self.no("\(value) \(what) cannot be asked for")
            }
        }
        if let timeLimit, !(timeLimit > 0 && timeLimit < 60 * 4e8) {
            throw Self.no("a time limit of \(timeLimit) s cannot be asked for")
        }
        if let warning, !(1..<65).contains(warning.signal) || !(0..<65_534).contains(warning.secondsBefore) {
            throw Self.no("signal \(warning.signal) \(warning.secondsBefore) s before the end cannot be asked for")
        }
    }

    private static func check(path: String, called what: String) throws(SchedulerError) {
        let shown = DisplayText.escaped(path, limit: 200)
        guard path.hasPrefix("/") else { throw no("the \(what) '\(shown)' is not absolute") }
        guard path.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }), path.utf8.count <= Limits.pathBytes else {
            throw no("the \(what) '\(shown)' holds control characters or is too long")
        }
    }

    private static func isVariable(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
            return false
        }
        return name.utf8.allSatisfy {
            switch $0 {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
    }

    private static func isWord(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= Limits.stringBytes && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    private static func no(_ message: String) -> SchedulerError { .rejected(code: 22, message: message) }
}
