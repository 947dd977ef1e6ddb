import MoltCore

/// Whether a run's training fits into the memory of its GPUs, as far as its estimate can tell.
///
/// The memory of a GPU is the site's `gpus.memory`, else the recipe's `resources.gpu_memory`. Weights, gradients and
/// the optimizer's state are certain: what has no room for them is refused. Activations are an estimate: they make a
/// warning, and so does everything where nobody named the memory.
package enum MemoryFit {
    /// The share of a GPU's memory that a run may be estimated to take: its driver and libraries need some, too.
    package static let usable = 0.95
    /// What is warned of where the memory is unknown: more than the widest-spread cards have.
    package static let usual = 80 << 30

    /// What cannot fit.
    static func problem(_ recipe: Recipe, site: Site, origins: [String: Place] = [:]) -> RecipeProblem? {
        guard let memory = memory(recipe), let (has, key) = available(recipe, site), memory.held > Double(has) else {
            return nil
        }
        return RecipeProblem(
            "\(held(recipe, memory)), and a GPU has \(size(Double(has))): \(missing)", at: origins[key], key: key,
            fix: advice(recipe, key))
    }

    private static func advice(_ recipe: Recipe, _ key: String) -> String {
        let less = recipe.method.type.adapts
            ? "take a smaller model"
            : "train adapters alone, like method: {type: lora, targets: [all-linear]}"
        return less + (key == "resources" ? "" : ", or raise the figure if your GPUs have more")
    }

    /// What may not fit, as sentences for people.
    package static func warnings(_ recipe: Recipe, site: Site) -> [String] {
        guard let memory = memory(recipe) else { return [] }
        let advice = "a shorter data.sequence_length or a smaller train.micro_batch takes less"
        guard let (has, _) = available(recipe, site) else {
            guard memory.held > Double(usual) else {
                guard memory.total > Double(usual) else { return [] }
                return [
                    "resources: about \(size(memory.total)) of memory are needed on every GPU, more than one of "
                        + "\(size(Double(usual))) has; \(advice). Name what yours have in resources.gpu_memory."
                ]
            }
            return [
                "resources: \(held(recipe, memory)), more than a GPU of \(size(Double(usual))) has: \(missing). "
                    + "Name what yours have in resources.gpu_memory."
            ]
        }
        guard memory.held <= Double(has), memory.total > usable * Double(has) else { return [] }
        return [
            "resources: about \(size(memory.total)) of memory are needed on every GPU, and one has "
                + "\(size(Double(has))), some of it for its driver; \(advice)."
        ]
    }

    /// Nil for what does not train on GPUs.
    private static func memory(_ recipe: Recipe) -> Estimate.Memory? {
        recipe.resources.gpusPerNode > 0 ? Estimate.Memory(recipe) : nil
    }

    private static func available(_ recipe: Recipe, _ site: Site) -> (bytes: Int, key: String)? {
        if let bytes = site.gpus.memory { return (bytes, "resources") }
        return recipe.resources.gpuMemory.map { ($0, "resources.gpu_memory") }
    }

    private static func held(_ recipe: Recipe, _ memory: Estimate.Memory) -> String {
        let what = recipe.method.type.adapts ? "the weights and the adapters" : "weights, gradients and optimizer"
        return "\(what) take \(size(memory.held)) on every GPU"
    }

    private static let missing = Unavailable.words([.tensor, .pipeline, .sharedOptimizer])

    private static func size(_ bytes: Double) -> String { Quantities.bytesText(bytes) }
}
