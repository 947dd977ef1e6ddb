import FoundationEssentials
import MoltCore
import MoltRecipe

/// What `molt-train generate` does as the worker of a run of `task: generate`: a file of JSON lines, one a text.
///
/// Texts are put away as many at a time as the model continues together. A start after an interruption goes on behind
/// them, and what comes out is the same to the byte.
package enum GenerateRun {
    package static func run(environment: [String: String], stop: StopSignal) -> Int32 {
        SoloWorker.run(environment: environment, stop: stop, generate)
    }

    private static func generate(_ worker: SoloWorker) throws -> JobExit {
        let recipe = worker.recipe, events = worker.events
        guard let start = recipe.initFrom, let section = recipe.generation else {
            throw UserError("the recipe does not say what to continue, and with which model", at: "generation")
        }
        let job = try GenerationJob(section)
        try job.check()
        let place = try worker.place(section.dtype)
        let count = job.prompts.count * job.samples
        let begun = try GenerationStart.read(worker.context.run, prompts: job.prompts)
        let file = GenerationFile(worker.context, out: section.out)
        var lines = try file.open(batch: job.batch, of: count, goesOn: begun != nil)
        defer { file.close() }
        if lines > 0 { worker.tell(done: lines, of: count, next: .load) }
        if lines < count {
            events.phase(.load)
            let source = try CheckpointSource(begun?.checkpoint ?? start, key: "init_from") { events.beat(.load) }
            try GenerationStart(checkpoint: source.folder, prompts: job.prompts).write(worker.context.run)
            var generator = try TextGenerator(source, tokenizer: recipe.data?.tokenizer, on: place)
            generator.beat = { try worker.beat(.evaluate) }
            try worker.beat(.evaluate)
            events.phase(.evaluate)
            var part = Data()
            let speed = try job.run(generator, from: lines, done: { record in
                part.append(try JSONFile.encode(record) + [0x0A])
                lines += 1
                guard lines % job.batch == 0 || lines == count else { return }
                try file.append(part)
                part.removeAll()
                worker.tell(done: lines, of: count, next: .evaluate)
            })
            events.write(.note, message: "\(speed.tokens) tokens, "
                + "\(Decimals.text(speed.tokensPerSecond, digits: 1)) a second after the prompts")
        }
        events.phase(.finish)
        let path = try file.finish()
        events.write(.note, message: "\(count) texts are in \(path)")
        StandardError.write("molt-train: \(count) texts are in \(DisplayText.escaped(path))")
        return .done
    }
}

/// What a generation was begun with, so that whoever goes on with it does so with the same.
struct GenerationStart: Codable {
    /// The run that `init_from` names may have a newer one by now.
    var checkpoint: String
    /// SHA-256 of the prompts, whose file may have changed.
    var prompts: String

    init(checkpoint: String, prompts: [PromptFile.Line]) throws {
        self.checkpoint = checkpoint
        self.prompts = try Self.hash(prompts)
    }

    private static func path(_ run: RunFolder) -> String { "\(run.path)/generation.json" }

    private static func hash(_ prompts: [PromptFile.Line]) throws -> String {
        var hash = FileHash()
        try JSONFile.encode(prompts).withUnsafeBytes { hash.update($0) }
        return hash.text()
    }

    /// Nil for a run that has not begun, or cannot go on: its checkpoint is gone.
    static func read(_ run: RunFolder, prompts: [PromptFile.Line]) throws -> GenerationStart? {
        guard FileManager.default.fileExists(atPath: path(run)) else { return nil }
        let begun = try JSONFile.read(GenerationStart.self, from: path(run))
        guard begun.prompts == (try hash(prompts)) else {
            throw UserError(
                "the prompts are not those that the run began with", at: "generation",
                fix: "bring their file back, or submit a new run")
        }
        return FileManager.default.fileExists(atPath: begun.checkpoint) ? begun : nil
    }

    func write(_ run: RunFolder) throws { try JSONFile.write(self, to: Self.path(run)) }
}

extension GenerationJob {
    init(_ section: GenerationSection) throws(UserError) {
        self.init()
        prompts = section.prompts.map { PromptFile.Line(prompt: $0) }
        if let file = section.promptsFile { prompts = try PromptFile.read(file, key: "generation.prompts_file") }
        (tokensMax, temperature, topK) = (section.tokensMax, section.temperature, section.topK)
        (topP, minP, repetitionPenalty) = (section.topP, section.minP, section.repetitionPenalty)
        (seed, samples, stops, batch) = (UInt64(section.seed), section.samples, section.stop, section.batch)
    }
}
