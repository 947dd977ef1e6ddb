package import MoltCore
import Mustache

#if canImport(Glibc)
import Glibc
#endif

/// Makes the text of a batch script: header from the request, a constant body, the site's setup lines.
package enum BatchScript {
    /// - Parameters:
    ///   - request: becomes the `#SBATCH` lines; its `script` is not looked at.
    ///   - setup: lines of the site's owner, copied as they are.
    ///   - template: from `TemplateLibrary.script(named:)`.
    package static func render(
        _ request: JobRequest, run: RunID, attempt: Int, setup: [String], template: String
    ) throws(UserError) -> String {
        let values = Values(
            directives: try BatchHeader.directives(request), hasSetup: !setup.isEmpty, setup: setup, attempt: attempt,
            run: run.rawValue, version: MoltVersion.current)
        _ = ShellContentType.register
        do {
            let parsed = try MustacheTemplate(string: "{{% CONTENT_TYPE:\(ShellContentType.name)}}" + template)
            return parsed.render(values)
        } catch {
            throw UserError("the script template cannot be read: \(error)")
        }
    }

    private struct Values {
        var directives: [String]
        var hasSetup: Bool
        var setup: [String]
        var attempt: Int
        var run: String
        var version: String
    }
}

/// The `#SBATCH` lines of a request, in a fixed order.
package enum BatchHeader {
    package static func directives(_ request: JobRequest) throws(UserError) -> [String] {
        var lines: [String] = []
        func add(_ name: String, _ value: String?) throws(UserError) {
            if let value { lines.append(try DirectiveQuoting.directive(name, value)) }
        }
        try add("job-name", request.name)
        try add("comment", request.key.comment)
        try add("partition", request.partition)
        try add("account", request.account)
        try add("qos", request.qos)
        try add("nodes", "\(request.nodes)")
        try add("ntasks-per-node", "\(request.ranksPerNode)")
        try add("cpus-per-task", "\(request.cpusPerRank)")
        if request.gpusPerNode > 0 { try add("gres", "\(request.gres):\(request.gpusPerNode)") }
        try add("mem", request.memoryPerNode.map { "\($0.plus((1 << 20) - 1) >> 20)M" })
        try add("time", request.timeLimit.map(Durations.slurmText))
        try add("signal", request.warning.map { "\(signalName($0.signal))@\($0.secondsBefore)" })
        if !request.excludedNodes.isEmpty { try add("exclude", request.excludedNodes.joined(separator: ",")) }
        try add("chdir", request.workingDirectory)
        try add("output", request.output)
        try add("open-mode", "append")
        lines.append("--requeue")
        if request.held { lines.append("--hold") }
        for (name, value) in request.options.sorted(by: { $0.key < $1.key }) {
            if let problem = SlurmOption.problem(name, value) { throw UserError(problem) }
            switch SlurmOption(rawValue: name)?.form {
            case .flag: if value == "true" { lines.append("--\(name)") }
            case .count, .text, nil: try add(name, value)
            }
        }
        return lines
    }

    private static func signalName(_ number: Int32) -> String {
        switch number {
        case SIGUSR1: "USR1"
        case SIGUSR2: "USR2"
        case SIGTERM: "TERM"
        case SIGINT: "INT"
        default: "\(number)"
        }
    }
}
