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
        let count = job.prompts.count * job.samples
        let file = GenerationFile(worker.context, out: section.out)
        var lines = try file.open(batch: job.batch, of: count)
        defer { file.close() }
        if lines > 0 { worker.tell(done: lines, of: count, next: .load) }
        if lines < count {
            events.phase(.load)
            let source = try CheckpointSource(start, key: "init_from") { events.beat(.load) }
            var generator = try TextGenerator(source)
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

extension GenerationJob {
    init(_ section: GenerationSection) throws(UserError) {
        self.init()
        prompts = section.prompts.map { PromptFile.Line(prompt: $0) }
        if let file = section.promptsFile { prompts = try PromptFile.read(file, key: "generation.prompts_file") }
        (tokensMax, temperature, topK) = (section.tokensMax, section.temperature, section.topK)
        (topP, minP, repetitionPenalty) = (section.topP, section.minP, section.repetitionPenalty)
        (seed, samples, stops, batch) = (UInt64(section.seed), section.samples, section.stop, section.batch)
        isHalf = section.dtype == .bf16
    }
}
