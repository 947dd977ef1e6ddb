import MoltCore
package import MoltRecipe

/// What a run will take, on one line, before it is submitted.
package enum EstimateText {
    package static func line(_ recipe: Recipe) -> String? {
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
}
