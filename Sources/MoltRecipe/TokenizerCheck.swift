import FoundationEssentials
import MoltCore

/// Whether a model has a row for every id of its tokenizer, where both are on this machine.
enum TokenizerCheck {
    static func problem(_ recipe: Recipe, origins: [String: Place]) -> RecipeProblem? {
        let key = "data.tokenizer"
        guard recipe.trains, let path = path(of: recipe), path != "bytes" else { return nil }
        do throws(UserError) {
            guard let rows = rows(of: recipe), let size = try TokenizerSize.at(path), size.ids > rows.count else {
                return nil
            }
            return RecipeProblem(
                "the model has \(rows.count) token ids, the tokenizer \(size.ids)", at: origins[key], key: key,
                fix: rows.fix)
        } catch {
            let place = error.location.map { "\($0): " } ?? ""
            return RecipeProblem(place + error.what, at: origins[key], key: key, fix: error.fix)
        }
    }

    /// The recipe's, else that of the model which it starts from.
    private static func path(of recipe: Recipe) -> String? {
        if let named = recipe.data?.tokenizer { return named }
        guard recipe.data?.synthetic == nil, case .file(let path)? = SourceTokenizer.of(recipe) else { return nil }
        return path
    }

    private struct Config: Decodable {
        /// Of transformers: other tools' vocabularies are padded.
        var model_type: String
        var vocab_size: Int
    }

    /// Nil where the model is as large as the tokenizer makes it, or not here.
    private static func rows(of recipe: Recipe) -> (count: Int, fix: String)? {
        if let model = recipe.model {
            return model.vocabularySize.map { ($0, "name the model's own tokenizer, or raise model.vocab_size") }
        }
        guard let start = recipe.initFrom, start.hasPrefix("/"),
            let data = try? DurableFile.read("\(start)/config.json", limit: Limits.fileBytes),
            let config = try? BoundedJSON().decode(Config.self, from: data)
        else { return nil }
        return (config.vocab_size, "name the tokenizer of the model in init_from")
    }
}
