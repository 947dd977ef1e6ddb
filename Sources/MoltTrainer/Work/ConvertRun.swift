import FoundationEssentials
import MoltCheckpoint
import MoltConversion
import MoltCore
import MoltRecipe

#if canImport(Glibc)
import Glibc
#endif

/// What `molt-train convert` does as the worker of a run of `task: convert`.
///
/// The model is written and compared under a name of the run's own beside the wanted one, then the report into the
/// run's folder, and then it gets its name: a start after an interruption knows by the report what is left to do.
package enum ConvertRun {
    /// Of the report in the run's folder.
    static let reportName = "conversion.json"

    package static func run(environment: [String: String], stop: StopSignal) -> Int32 {
        SoloWorker.run(environment: environment, stop: stop, convert)
    }

    private static func convert(_ worker: SoloWorker) throws -> JobExit {
        let recipe = worker.recipe, run = worker.context.run, events = worker.events
        guard let start = recipe.initFrom, let section = recipe.conversion else {
            throw UserError("the recipe does not say which model to write, and in which layout", at: "conversion")
        }
        let folder = ConversionPlace(out: section.out, run: run), told = "\(run.path)/\(reportName)"
        if access(told, F_OK) != 0 {
            let place = try worker.place(.fp32)
            guard access(section.out, F_OK) != 0 else {
                throw UserError("it is there already", at: section.out, fix: "name another folder, or remove this one")
            }
            try folder.clear()
            events.phase(.save)
            var report = try ModelConversion.convert(
                start, to: folder.staged, .init(section), tokenizer: worker.recipe.data?.tokenizer,
                on: place
            ) { try worker.beat(.save) }
            report.out = section.out
            try JSONFile.write(report, to: told)
            events.write(.note, message: "\(report.parameters) parameters as \(section.format.rawValue), checked")
        }
        events.phase(.finish)
        try folder.settle()
        events.write(.note, message: "the model is in \(section.out), the report in \(told)")
        return .done
    }
}

/// Where a conversion is written until it is whole.
struct ConversionPlace {
    let out: String
    let staged: String
    private let folder: String
    private let prefix: String

    init(out: String, run: RunFolder) {
        let parts = out.split(separator: "/", omittingEmptySubsequences: true)
        self.out = "/" + parts.joined(separator: "/")
        folder = "/" + parts.dropLast().joined(separator: "/")
        prefix = ".molt-\(run.path.split(separator: "/").last ?? "run")-"
        // Its ending says what it is.
        staged = "\(folder)/\(prefix)\(parts.last ?? "model")"
    }

    /// Removes what starts that were killed have left.
    func clear() throws {
        for name in try CheckpointFolder(path: folder).entries() where name.hasPrefix(prefix) {
            try FileManager.default.removeItem(atPath: "\(folder)/\(name)")
        }
    }

    func settle() throws {
        guard access(staged, F_OK) == 0 else {
            guard access(out, F_OK) == 0 else { throw UserError("what the run has written is gone", at: out) }
            return
        }
        guard access(out, F_OK) != 0 else {
            throw UserError(
                "something has come there meanwhile; the model is in \(DisplayText.escaped(staged))", at: out)
        }
        guard rename(staged, out) == 0 else { throw FileError("rename to", out) }
        try DurableFile.syncFolder(of: out)
    }
}

extension ModelConversion.Choice {
    init(_ section: ConversionSection) {
        self.init(
            .init(section.format), type: section.dtype.stored, shardBytes: section.shardBytes,
            ranks: section.tensorParallel)
    }
}

extension ConversionSection.WeightType {
    /// Nil keeps each tensor's own.
    fileprivate var stored: StoredType? {
        switch self {
        case .keep: nil
        case .fp32: .float32
        case .bf16: .bfloat16
        case .fp16: .float16
        }
    }
}

extension ModelConversion.Layout {
    init(_ layout: ConversionSection.Layout) {
        switch layout {
        case .molt: self = .molt
        case .hf: self = .hf
        case .megatron: self = .megatron
        case .distributed: self = .distributed
        case .nemo: self = .nemo
        case .stateSpaces: self = .stateSpaces
        }
    }
}
