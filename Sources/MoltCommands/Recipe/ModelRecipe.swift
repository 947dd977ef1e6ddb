package import MoltCore
package import MoltRecipe

/// The recipe that does on a site what the words of `molt eval`, `molt generate` and `molt model export` do here.
package struct ModelRecipe {
    package private(set) var recipe: Recipe
    /// Further words like `resources.time=1:00:00`, as `molt submit` takes them.
    package private(set) var changes: [String] = []

    private init(_ kind: String, _ task: Recipe.TaskKind, model: String) {
        recipe = Recipe(name: Words.runName(kind, model), task: task)
        recipe.initFrom = model
    }

    /// - Parameters:
    ///   - words: options of `molt-train evaluate`.
    ///   - model: the folder of a run or of a model.
    ///   - folder: the one that relative paths are meant from.
    /// - Throws: for options that are for this machine alone, or not known.
    package static func evaluation(
        _ words: [String], task: String, model: String, data: [String], checkpoint: String?, in folder: String
    ) throws(UserError) -> ModelRecipe {
        var result = ModelRecipe("eval-\(Words.plain(task))", .evaluate, model: model)
        var section = EvaluationSection(task: try Words.choice("--task", task))
        section.checkpoint = checkpoint
        if !data.isEmpty {
            result.recipe.data = DataSection(train: [])
            result.recipe.data?.validation = data.map { Words.path($0, in: folder) }
        }
        var reader = Words(rest: words[...]), tokenizer: String?, device: String?
        try result.take(&reader) { option, reader throws(UserError) in
            switch option {
            case "--sizes": section.sizes = try reader.list(option) { Int($0) }
            case "--depths": section.depths = try reader.list(option) { Double($0) }
            case "--samples": section.samples = try reader.count(option)
            case "--seed": section.seed = try reader.count(option)
            case "--sequence-length": section.sequenceLength = try reader.number(option)
            case "--stride": section.stride = try reader.number(option)
            case "--delimiter": section.delimiter = try reader.value(option)
            case "--max-tokens": section.tokensMax = try reader.number(option)
            case "--stop": section.stop.append(try reader.value(option))
            case "--batch": section.batch = try reader.number(option)
            case "--dtype": section.dtype = try reader.choice(option, Precision.self)
            case "--device": device = try reader.value(option)
            case "--tokenizer": tokenizer = try reader.value(option)
            default: throw Words.unknown(option)
            }
        }
        result.recipe.evaluation = section
        result.use(tokenizer, in: folder)
        try result.compute(on: device)
        return result
    }

    /// - Parameter words: options of `molt-train generate`.
    package static func generation(
        _ words: [String], model: String, prompts: [String], file: String?, out: String?, in folder: String
    ) throws(UserError) -> ModelRecipe {
        var result = ModelRecipe("generate", .generate, model: model), section = GenerationSection()
        section.prompts = prompts
        section.promptsFile = file.map { Words.path($0, in: folder) }
        section.out = out.map { Words.path($0, in: folder) }
        var reader = Words(rest: words[...]), tokenizer: String?, device: String?
        try result.take(&reader) { option, reader throws(UserError) in
            switch option {
            case "--max-tokens": section.tokensMax = try reader.count(option)
            case "--greedy": section.temperature = 0
            case "--temperature": section.temperature = try reader.real(option)
            case "--top-k": section.topK = try reader.number(option)
            case "--top-p": section.topP = try reader.real(option)
            case "--min-p": section.minP = try reader.real(option)
            case "--repetition-penalty": section.repetitionPenalty = try reader.real(option)
            case "--stop": section.stop.append(try reader.value(option))
            case "--seed": section.seed = try reader.count(option)
            case "--num-samples": section.samples = try reader.number(option)
            case "--batch": section.batch = try reader.number(option)
            case "--dtype": section.dtype = try reader.choice(option, Precision.self)
            case "--device": device = try reader.value(option)
            case "--tokenizer": tokenizer = try reader.value(option)
            default: throw Words.unknown(option)
            }
        }
        result.recipe.generation = section
        result.use(tokenizer, in: folder)
        try result.compute(on: device)
        return result
    }

    package static func conversion(
        _ words: [String], _ kind: String, model: String, section: ConversionSection
    ) throws(UserError) -> ModelRecipe {
        var result = ModelRecipe(kind, .convert, model: model), reader = Words(rest: words[...])
        result.recipe.conversion = section
        try result.take(&reader) { option, _ throws(UserError) in throw Words.unknown(option) }
        return result
    }

    /// A tokenizer in place of the model's own.
    package mutating func use(_ tokenizer: String?, in folder: String) {
        guard let tokenizer else { return }
        if recipe.data == nil { recipe.data = DataSection(train: []) }
        recipe.data?.tokenizer = tokenizer == "bytes" ? tokenizer : Words.path(tokenizer, in: folder)
    }

    /// One GPU of the site's, or none; with nil it stays with what the recipe says.
    package mutating func compute(on device: String?) throws(UserError) {
        switch device {
        case nil: break
        case "cpu": recipe.resources.gpusPerNode = 0
        case "cuda": recipe.resources.gpusPerNode = 1
        case let device?:
            throw UserError(
                "'\(DisplayText.escaped(device, limit: 100))' is no device of a run on a site", at: "--device",
                fix: "give cuda for a GPU, which the scheduler chooses, or cpu")
        }
    }

    private mutating func take(
        _ reader: inout Words, _ option: (String, inout Words) throws(UserError) -> Void
    ) throws(UserError) {
        while let word = reader.next() {
            switch word {
            case .file(let text) where text.contains("="): changes.append(text)
            case .file(let text):
                throw UserError(
                    "'\(DisplayText.escaped(text, limit: 100))' is one word too many",
                    fix: "changes to the run's recipe are like resources.time=1:00:00")
            case .option("--threads"): recipe.resources.cpusPerRank = try reader.number("--threads")
            case .option(let name): try option(name, &reader)
            }
        }
    }
}
