import MoltCore

/// What `task: generate`, `evaluate` and `convert` need: a model, a section of their own, and one worker.
struct ModelTaskCheck {
    let recipe: Recipe
    let isComplete: Bool
    let refuse: (_ key: String, _ what: String, _ fix: String?) -> Void

    private var name: String { "'task: \(recipe.task.rawValue)'" }

    func run() {
        let sections: [(String, Recipe.TaskKind, Bool)] = [
            ("generation", .generate, recipe.generation != nil), ("evaluation", .evaluate, recipe.evaluation != nil),
            ("conversion", .convert, recipe.conversion != nil),
        ]
        for (key, task, isThere) in sections where isThere && recipe.task != task {
            refuse(key, "'\(key)' is only for 'task: \(task.rawValue)'", "leave it out, or set the task")
        }
        switch recipe.task {
        case .generate:
            checkWorker()
            need(recipe.generation, "generation", "what to continue", "like generation: {prompts: [\"Once\"]}")
            if let section = recipe.generation { check(section) }
        case .evaluate:
            checkWorker()
            need(recipe.evaluation, "evaluation", "what to evaluate", "like evaluation: {task: perplexity}")
            if let section = recipe.evaluation { check(section) }
        case .convert:
            checkWorker()
            need(
                recipe.conversion, "conversion", "the layout to write, and where to",
                "like conversion: {format: hf, out: /shared/exports/bot}")
            if let section = recipe.conversion { check(section) }
        case .pretrain, .finetune, .prepare, .command: break
        }
    }

    private func need(_ section: Any?, _ key: String, _ what: String, _ fix: String) {
        if isComplete, section == nil { refuse(key, "\(name) needs to know \(what)", fix) }
    }

    private func checkWorker() {
        if isComplete, recipe.initFrom == nil {
            refuse(
                "init_from", "\(name) needs a model", "set 'init_from' to a model's folder, a checkpoint or a run id")
        }
        let resources = recipe.resources
        if resources.gpusPerNode > 1 {
            refuse(
                "resources.gpus_per_node",
                "\(name) computes on one GPU: \(resources.gpusPerNode - 1) would stand idle",
                "set it to 1, or to 0 for CPUs; with dtype: bf16 the weights take half the memory")
        } else if resources.ranks > 1 {
            refuse(
                "resources.ranks_per_node", "\(name) is done by one worker", "set it to 1; give it more cpus_per_rank")
        }
        if resources.nodes > 1 {
            refuse("resources.nodes", "\(name) is done by one worker", "set it to 1; give it more cpus_per_rank")
        }
    }

    private func check(_ section: GenerationSection) {
        if section.prompts.isEmpty == (section.promptsFile == nil), isComplete || section.promptsFile != nil {
            let what = section.prompts.isEmpty ? "there is nothing to continue" : "there are two sources of prompts"
            refuse("generation", what, "give one of 'prompts' and 'prompts_file'")
        }
        checkStops(section.stop, "generation.stop")
    }

    private func check(_ section: EvaluationSection) {
        if isComplete, section.task.needsData, recipe.data?.validation.isEmpty ?? true {
            refuse(
                "data.validation", "'task: \(section.task.rawValue)' of an evaluation needs 'data.validation'",
                "files, folders or patterns, like data: {validation: held-out.jsonl}")
        }
        if let stride = section.stride, stride > section.sequenceLength {
            refuse("evaluation.stride", "'stride' is above 'sequence_length': tokens would be passed over", nil)
        }
        if section.depths.isEmpty { refuse("evaluation.depths", "there is no depth", "like [0, 0.5, 1]") }
        if section.sizes.count.times(section.depths.count) > WorkLimits.evaluatedPoints {
            refuse("evaluation.sizes", "sizes and depths make more than \(WorkLimits.evaluatedPoints) points", nil)
        }
        checkStops(section.stop, "evaluation.stop")
    }

    private func checkStops(_ stops: [String], _ key: String) {
        if stops.count > WorkLimits.stopsMax {
            refuse(key, "\(stops.count) texts; at most \(WorkLimits.stopsMax) are allowed", nil)
        }
    }

    private func check(_ section: ConversionSection) {
        if section.format == .nemo, !section.out.hasSuffix(".nemo") {
            refuse("conversion.out", "NeMo's archives are files, and their names end in .nemo", nil)
        }
        if section.tensorParallel > 1, section.format != .megatron, section.format != .nemo {
            refuse("conversion.tensor_parallel", "'tensor_parallel' is for the formats megatron and nemo", nil)
        }
        if section.shardBytes != nil, section.format != .hf {
            refuse("conversion.shard_bytes", "'shard_bytes' is for the format hf", nil)
        }
    }
}
