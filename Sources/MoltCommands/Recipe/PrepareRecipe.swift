import FoundationEssentials
package import MoltCore
package import MoltRecipe

/// The recipe that does on a site what the words of `molt data prepare` do here.
package struct PrepareRecipe {
    package let recipe: Recipe

    /// - Parameters:
    ///   - words: files, and options of `molt-train prepare`.
    ///   - folder: the one that relative paths are meant from.
    /// - Throws: for options that are for this machine alone, or not known.
    package init(
        _ words: [String], tokenizer: String, out: String, nodes: Int, in folder: String
    ) throws(UserError) {
        func path(_ name: String) -> String { Words.path(name, in: folder) }
        var section = PrepareSection(out: path(out)), reader = Words(rest: words[...]), files: [String] = []
        var recipe = Recipe(name: Words.runName("prepare", out), task: .prepare)
        var template: String?
        recipe.resources.nodes = nodes
        while let word = reader.next() {
            switch word {
            case .file(let name): files.append(path(name))
            case .option("--chat-template"):
                let named = try reader.value("--chat-template")
                template = named == "plain" ? named : path(named)
            case .option("--threads"): recipe.resources.cpusPerRank = try reader.number("--threads")
            case .option(let option): try Self.take(option, &reader, &section)
            }
        }
        guard !files.isEmpty else { throw UserError("no file is named", fix: "name files, folders or globs") }
        var data = DataSection(train: files)
        data.tokenizer = tokenizer == "bytes" ? tokenizer : path(tokenizer)
        data.chatTemplate = template
        recipe.data = data
        recipe.prepare = section
        self.recipe = recipe
    }

    private static func take(
        _ option: String, _ reader: inout Words, _ section: inout PrepareSection
    ) throws(UserError) {
        switch option {
        case "--validation": section.validation = try reader.share(option)
        case "--deduplicate": section.deduplicate = true
        case "--skip-bad": section.skipBad = true
        case "--min-bytes": section.bytesMin = try reader.number(option)
        case "--max-bytes": section.bytesMax = try reader.number(option)
        case "--min-tokens": section.tokensMin = try reader.number(option)
        case "--max-tokens": section.tokensMax = try reader.number(option)
        case "--where": section.conditions.append(try reader.value(option))
        case "--text-unit":
            let text = try reader.value(option)
            guard let unit = PrepareSection.TextUnit(rawValue: text) else {
                throw UserError("\(option) is file or line, and '\(DisplayText.escaped(text, limit: 40))' is neither")
            }
            section.textUnit = unit
        case "--max-line-bytes": section.lineBytesMax = try reader.number(option)
        case "--unit-bytes": section.unitBytes = try reader.number(option)
        case "--shard-tokens": section.shardTokens = try reader.number(option)
        default:
            throw Words.unknown(option)
        }
    }

    /// Writes the recipe beside the folder that it makes, where it goes on saying what is in there.
    /// - Returns: its path.
    package func write() throws -> String {
        let path = (recipe.prepare?.out ?? recipe.name) + ".yaml"
        try DurableFile.write(Data(try RecipeText.yaml(recipe).utf8), to: path)
        return path
    }
}
