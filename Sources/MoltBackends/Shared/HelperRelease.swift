import MoltScheduler

/// Which Slurm a `molt-slurm` was built for.
package actor HelperRelease {
    private let executor = BlockingExecutor("molt.helper-release")
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    package init() {}

    /// `22.05.8`; nil when the program does not start, as when its library is gone, or says something else.
    package func ask(_ program: String, environment: [String: String]) -> String? {
        let outcome = CommandRunner().run(
            .init(arguments: [program, "--version"], environment: environment), within: Limits.callDeadline)
        guard outcome.ending == .exited(0) else { return nil }
        return Self.release(in: String(decoding: outcome.output, as: UTF8.self))
    }

    /// From `molt-slurm 0.1.0, built for Slurm 22.05.8`.
    static func release(in text: String) -> String? {
        guard let line = text.split(separator: "\n").first, let mark = line.firstRange(of: "built for Slurm ") else {
            return nil
        }
        let release = line[mark.upperBound...]
        let parts = release.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy(\.isNumber) }) else { return nil }
        return String(release)
    }
}
