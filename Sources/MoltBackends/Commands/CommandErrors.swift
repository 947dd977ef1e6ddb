import MoltCore
import MoltScheduler

/// What the end of a command lets us conclude. Whatever is not on a list of definite answers is in doubt.
enum CommandErrors {
    static func classify(_ operation: SlurmOperation, _ outcome: CommandRunner.Outcome) -> SchedulerError {
        let said = lastWords(outcome.errors)
        switch outcome.ending {
        case .notStarted(let reason): return .unavailable(message: reason)
        case .deadline: return doubt(operation, "the command did not end in time" + said)
        case .tooMuch: return doubt(operation, "the command printed more than \(Limits.outputBytes >> 20) MiB" + said)
        case .signalled(let signal): return doubt(operation, "the command died of signal \(signal)" + said)
        case .gaveUp(let surely):
            let message = "Slurm takes no more jobs for the moment" + said
            return surely ? .later(message: message) : doubt(operation, message)
        case .exited(let status):
            if let error = recognized(operation, outcome, status) { return error }
            return doubt(operation, "the command ended with \(status)" + said)
        }
    }

    /// An answer that could not be read.
    static func doubt(_ operation: SlurmOperation, _ message: String) -> SchedulerError {
        operation.isReading ? .unavailable(message: message) : .ambiguous(message: message)
    }

    private static func recognized(
        _ operation: SlurmOperation, _ outcome: CommandRunner.Outcome, _ status: Int32
    ) -> SchedulerError? {
        let lines = outcome.errors.split(separator: "\n").map(String.init)
        let found: (number: Int32, sentence: String)?
        if case .submit = operation {
            // Plugins may print anything; only sbatch's own line counts.
            let mark = "sbatch: error: Batch job submission failed: "
            let line = lines.last { $0.hasPrefix(mark) }
            found = line.flatMap { SlurmSentences.exactly(String($0.dropFirst(mark.count))) }
            if found == nil, status == 255, let line = lines.last(where: isRefusedOption) {
                // sbatch reads its options before it sends anything.
                return .rejected(code: 22, message: "sbatch says: " + DisplayText.escaped(line))
            }
        } else {
            found = lines.reversed().lazy.compactMap(SlurmSentences.within).first
        }
        return found.map { SlurmErrors.classify(operation, code: $0.number, text: $0.sentence) }
    }

    /// `sbatch: error: Invalid --time specification`.
    private static func isRefusedOption(_ line: String) -> Bool {
        line.hasPrefix("sbatch: error: Invalid --") && line.hasSuffix(" specification")
    }

    private static func lastWords(_ errors: String) -> String {
        let line = errors.split(separator: "\n").last { !$0.isEmpty }
        return line.map { ": " + DisplayText.escaped(String($0), limit: 400) } ?? ""
    }
}
