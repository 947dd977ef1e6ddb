package import MoltLifecycle
package import MoltRecipe

extension LifecyclePolicy {
    /// What the recipe asks for, within what the site allows.
    package init(_ recipe: Recipe, _ site: Site) {
        let asked = recipe.policy, allowed = site.policy
        self.init(
            maxCrashes: min(asked.maxCrashes, allowed.maxCrashes ?? .max), maxTotal: asked.maxTotal,
            rollsBackOnNaN: asked.onNaN != .stop, isForeign: recipe.task == .command)
        maxRepeats = asked.maxRepeats
        maxFaults = min(asked.maxFaults, allowed.maxFaults ?? .max)
        maxFruitless = asked.maxFruitless
        backOff = max(asked.backOff, allowed.backOff ?? 0)
        backOffMax = max(asked.backOffMax, backOff)
        startPatience = allowed.startWithin ?? LifecycleLimits.startPatience
        exclusion.failures = site.exclude.failures
        exclusion.fastFailure = site.exclude.fast
        exclusion.window = site.exclude.within
        exclusion.decay = site.exclude.length
        exclusion.share = site.exclude.share
    }
}
