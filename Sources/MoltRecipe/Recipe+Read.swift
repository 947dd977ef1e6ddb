import FoundationEssentials
import MoltCore

extension Recipe {
    /// Fills a recipe from its merged YAML; what is wrong goes to `problems`.
    ///
    /// - Parameters:
    ///   - defaultName: the run's name when the recipe gives none.
    ///   - currentFolder: where the workers run unless the recipe says otherwise.
    static func read(
        _ tree: YAMLTree, defaultName: String, currentFolder: String, problems: ProblemList
    ) -> Recipe {
        var reader = SectionReader(
            tree, path: "", section: Recipe(name: defaultName, task: .pretrain), keys: CodingKeys.self,
            problems: problems)
        reader.read(.name, \.name, .argument)
        reader.need(.task, \.task, .choice)
        reader.read(.initFrom, \.initFrom, .pathUnless(isRunID))
        reader.section.method = .read(reader.subtree(.method), problems)
        reader.section.objective = .read(reader.subtree(.objective), problems)
        reader.section.model = .read(reader.subtree(.model), problems)
        reader.section.data = .read(reader.subtree(.data), problems)
        reader.section.prepare = .read(reader.subtree(.prepare), problems)
        reader.section.generation = .read(reader.subtree(.generation), problems)
        reader.section.evaluation = .read(reader.subtree(.evaluation), problems)
        reader.section.conversion = .read(reader.subtree(.conversion), problems)
        reader.section.train = .read(reader.subtree(.train), problems)
        reader.section.optimizer = .read(reader.subtree(.optimizer), problems)
        reader.section.schedule = .read(reader.subtree(.schedule), problems)
        reader.section.parallel = .read(reader.subtree(.parallel), problems)
        reader.section.checkpoint = .read(reader.subtree(.checkpoint), problems)
        reader.section.resources = .read(reader.subtree(.resources), problems)
        reader.section.policy = .read(reader.subtree(.policy), problems)
        reader.section.notify = .read(reader.subtree(.notify), problems)
        reader.read(.command, \.command, .list(.argument, orSingle: false))
        reader.read(.environment, \.environment, .pairs(EnvironmentNames.problem))
        reader.section.workingDirectory = currentFolder
        reader.read(.workingDirectory, \.workingDirectory, .path)
        var recipe = reader.finished()
        // What does not start from a model has no other tokenizer.
        let startsFresh = recipe.task == .prepare || recipe.task == .pretrain && recipe.initFrom == nil
        if startsFresh, recipe.data?.tokenizer == nil { recipe.data?.tokenizer = "bytes" }
        return recipe
    }

    /// A run id, or the beginning of one, unless a file of that name lies there.
    private static func isRunID(_ text: String, folder: String) -> Bool {
        (4...RunID.length).contains(text.count) && text.allSatisfy(RunID.alphabet.contains)
            && !FileManager.default.fileExists(atPath: Paths.resolve(text, in: folder))
    }
}
