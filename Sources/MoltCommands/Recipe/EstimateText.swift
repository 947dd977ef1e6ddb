import MoltCore
package import MoltRecipe

/// What a run will take, on one line, before it is submitted.
package enum EstimateText {
    package static func line(_ recipe: Recipe) -> String? {
        if let estimate = InferenceEstimate(recipe) { return line(estimate) }
        guard let estimate = Estimate(recipe) else { return nil }
        var model = "\(Quantities.text(Double(estimate.parameters))) parameters"
        if estimate.trainableParameters < estimate.parameters {
            model += " (\(Quantities.text(Double(estimate.trainableParameters))) trained)"
        }
        let ranks = recipe.worldSize
        return "\(model), about \(Quantities.bytesText(estimate.memoryPerRank.total)) of memory a rank"
            + (ranks > 1 ? " on \(ranks) ranks" : "")
            + ", \(Quantities.text(Double(estimate.tokens))) tokens in \(estimate.steps) steps"
    }

    private static func line(_ estimate: InferenceEstimate) -> String {
        let weights = Quantities.bytesText(estimate.weights)
        var line = "\(Quantities.text(Double(estimate.parameters))) parameters in \(estimate.precision.rawValue), "
            + "about \(weights) of memory for weights"
        if let states = estimate.states, estimate.sequences > 0 {
            line += " and \(Quantities.bytesText(states)) for states and keys of "
                + (estimate.sequences == 1 ? "a text of " : "\(estimate.sequences) texts of ")
                + "\(estimate.tokens) tokens"
        }
        return line + ", activations besides"
    }
}
