import FoundationEssentials
import MoltCore
import MoltRecipe

/// The recipe of a run as it was frozen: JSON with sorted keys.
enum FrozenRecipe {
    static func decode(_ text: String) throws(UserError) -> Recipe {
        do {
            return try BoundedJSON().decode(Recipe.self, from: Data(text.utf8))
        } catch let DecodingError.keyNotFound(key, context) {
            throw UserError("the recipe lacks '\(key.stringValue)'", at: path(context))
        } catch let DecodingError.typeMismatch(_, context) {
            throw UserError(context.debugDescription, at: path(context))
        } catch let DecodingError.valueNotFound(_, context) {
            throw UserError(context.debugDescription, at: path(context))
        } catch let DecodingError.dataCorrupted(context) {
            throw UserError(context.debugDescription, at: path(context))
        } catch {
            throw UserError("the recipe cannot be read: \(error)")
        }
    }

    static func encode(_ recipe: Recipe) throws(UserError) -> String {
        do {
            return String(decoding: try JSONFile.encode(recipe), as: UTF8.self)
        } catch {
            throw UserError("the recipe holds a value that cannot be written down: \(error)")
        }
    }

    /// Of a foreign program, which says what it has saved, and of what a run has put away for good: the units of a
    /// preparation, texts that were generated, checkpoints that were evaluated.
    static func stepsAreCommitted(_ text: String) -> Bool {
        switch (try? decode(text))?.task {
        case .command, .prepare, .generate, .evaluate: true
        case .pretrain, .finetune, .convert, nil: false
        }
    }

    private static func path(_ context: DecodingError.Context) -> String? {
        let path = context.codingPath.map(\.stringValue).joined(separator: ".")
        return path.isEmpty ? nil : path
    }
}
