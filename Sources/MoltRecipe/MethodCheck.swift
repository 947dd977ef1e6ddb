import MoltCore

/// Whether the way of training fits the recipe.
struct MethodCheck {
    let recipe: Recipe
    let isComplete: Bool
    let refuse: (_ key: String, _ what: String, _ fix: String?) -> Void

    private var method: MethodSection { recipe.method }
    private var name: String { "'type: \(method.type.rawValue)'" }

    func run() {
        checkTargets()
        if method.type.adapts, isComplete, recipe.trains, recipe.initFrom == nil {
            refuse(
                "method.type", "adapters need weights to start from",
                "set 'init_from' to a model's folder, a checkpoint or a run id")
        }
        for (key, patterns) in [("freeze", method.freeze), ("train_only", method.trainOnly)]
        where method.type.adapts && !patterns.isEmpty {
            refuse("method.\(key)", "\(name) trains its adapters alone: '\(key)' is for 'type: full'", nil)
        }
        if method.promptText != nil, method.type != .promptTuning {
            refuse("method.prompt_text", "'prompt_text' is for 'type: prompt_tuning'", nil)
        }
        checkObjective()
        checkEarlyStopping()
    }

    private func checkObjective() {
        guard isComplete, recipe.prefers else { return }
        if recipe.initFrom == nil {
            refuse(
                "objective.type", "'type: dpo' needs a model to start from, which is the reference, too",
                "set 'init_from' to a model's folder, a checkpoint or a run id")
        }
        if recipe.data?.synthetic != nil {
            refuse("data.synthetic", "'objective: {type: dpo}' trains on pairs from files", nil)
        }
        if recipe.data?.phases != nil || recipe.data?.blend != nil {
            refuse(
                recipe.data?.phases != nil ? "data.phases" : "data.train",
                "'objective: {type: dpo}' takes its pairs from all files alike, and a blend has weights",
                "a list of paths, like data: {train: [pairs.jsonl, more-pairs]}")
        }
        for path in (recipe.data?.train ?? []) + (recipe.data?.validation ?? []) where path.hasSuffix(".txt") {
            refuse(
                "data.train", "'objective: {type: dpo}' needs pairs, and \(DisplayText.escaped(path)) is plain text",
                "JSONL lines like {\"prompt\": …, \"chosen\": …, \"rejected\": …}")
        }
    }

    private func checkTargets() {
        switch method.type {
        case .lora, .dora:
            guard !method.targets.isEmpty else {
                return refuse("method.targets", "\(name) needs targets", "like targets: [in_proj, out_proj]")
            }
            if let model = recipe.model { checkNames(model) }
        case .bottleneck: break
        case .full, .promptTuning, .pTuning, .prefix:
            guard !method.targets.isEmpty else { return }
            refuse("method.targets", "\(name) has no targets", "leave them out, or use 'type: lora'")
        }
    }

    /// Names without a pattern must be those of linear layers of the model; the worker checks the others.
    private func checkNames(_ model: ModelSection) {
        var known: [String] = model.tiedEmbeddings ? [] : ["lm_head"]
        for kind in Set(model.pattern.layers) { known += LayerSize.linears(kind, model).map(\.name) }
        for target in method.targets where target != "all-linear" {
            let module = String(target.split(separator: ":", maxSplits: 1).first ?? "")
            guard !module.contains(where: { "*?.".contains($0) }), !known.contains(module) else { continue }
            let nearest = NearestKey.of(module, among: known).map { "did you mean '\($0)'?" }
            refuse(
                "method.targets", "the model has no linear layer '\(DisplayText.escaped(module, limit: 64))'",
                nearest ?? "it has \(Set(known).sorted().joined(separator: ", "))")
        }
    }

    private func checkEarlyStopping() {
        guard isComplete, recipe.trains, recipe.train.earlyStopping != nil else { return }
        if recipe.data?.validation.isEmpty ?? true {
            refuse("train.early_stopping", "early stopping needs 'data.validation'", nil)
        } else if recipe.train.evaluateEvery == 0 {
            refuse(
                "train.early_stopping", "early stopping needs validations during training", "like eval_every: 100")
        }
    }
}
