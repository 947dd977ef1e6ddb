package import MoltCore

/// What may change in the recipe of a run that exists: everything that its checkpoints do not depend on.
package enum RecipeEdit {
    /// - Parameter extends: only the length may differ, and it must grow.
    package static func check(_ before: Recipe, _ after: Recipe, extends: Bool) throws(UserError) {
        let fixed: [(String, Bool)] = [
            ("name", before.name == after.name), ("task", before.task == after.task),
            ("init_from", before.initFrom == after.initFrom), ("model", before.model == after.model),
            ("method", before.method == after.method),
            ("generation", before.generation == after.generation),
            ("evaluation", before.evaluation == after.evaluation),
            ("conversion", before.conversion == after.conversion),
            ("data.tokenizer", before.data?.tokenizer == after.data?.tokenizer),
            ("optimizer.name", before.optimizer.name == after.optimizer.name),
        ]
        if let (key, _) = fixed.first(where: { !$0.1 }) {
            throw UserError(
                "'\(key)' cannot change in a run that exists: what it has saved depends on it", at: key,
                fix: "submit a new run, with init_from if it should start from this one's weights")
        }
        guard before != after else {
            throw UserError("nothing would change", fix: "name a key and another value, like resources.time=4:00:00")
        }
        guard extends else { return }
        var rest = after
        (rest.train.steps, rest.train.tokens) = (before.train.steps, before.train.tokens)
        guard rest == before else {
            throw UserError(
                "extending changes the length alone",
                fix: "give train.steps or train.tokens; molt edit changes the rest")
        }
        guard let old = before.plannedSteps, let new = after.plannedSteps else {
            throw UserError("a run of task '\(after.task.rawValue)' has no length of its own", at: "task")
        }
        guard new > old else {
            throw UserError("the run has \(old) steps already; \(new) would not make it longer", at: "train")
        }
    }
}
