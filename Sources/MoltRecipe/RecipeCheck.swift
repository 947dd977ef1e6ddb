import MoltCore

/// What no single value shows: the sizes and sections of a recipe must fit each other.
struct RecipeCheck {
    let recipe: Recipe
    let problems: ProblemList
    /// False leaves out what only a recipe about to run must have.
    let isComplete: Bool

    func run() {
        checkName()
        if isComplete { checkTask() }
        if recipe.task != .command, recipe.command != nil {
            refuse("command", "'command' is only for 'task: command'")
        }
        if let model = recipe.model { ModelCheck(model, refuse).run() }
        if recipe.trains { checkTraining() }
        MethodCheck(recipe: recipe, isComplete: isComplete, refuse: refuse).run()
        ModelTaskCheck(recipe: recipe, isComplete: isComplete, refuse: refuse).run()
        checkParallel()
        checkResources()
        checkNotify()
    }

    /// Reports once per key, and not for a key whose value could not be read in the first place.
    private func refuse(_ key: String, _ what: String, fix: String? = nil) {
        guard !problems.isReported(key) else { return }
        problems.add(what, at: problems.origin(of: key), key: key, fix: fix)
    }

    private func checkName() {
        do throws(UserError) {
            try RunName.check(recipe.name)
        } catch {
            refuse("name", error.what, fix: error.fix)
        }
    }

    private func checkTask() {
        switch recipe.task {
        case .pretrain:
            need(recipe.model, "model", "'task: pretrain' needs a model", "add 'model', or 'extends' a built-in recipe")
            needData()
        case .finetune:
            need(
                recipe.initFrom, "init_from", "'task: finetune' needs weights to start from",
                "set 'init_from' to a model's folder, a checkpoint or a run id")
            needData()
        case .generate, .evaluate, .convert: break
        case .prepare:
            needData()
            need(
                recipe.prepare, "prepare", "'task: prepare' needs to know where to",
                "like prepare: {out: /shared/corpus-tokens}")
        case .command:
            if (recipe.command ?? []).first?.isEmpty ?? true {
                refuse("command", "'task: command' needs a command", fix: "like command: [python3, train.py]")
            }
        }
    }

    private func need(_ value: Any?, _ key: String, _ what: String, _ fix: String) {
        if value == nil { refuse(key, what, fix: fix) }
    }

    private func needData() {
        guard let data = recipe.data else {
            let what = "'task: \(recipe.task.rawValue)' needs data"
            return refuse("data", what, fix: "like data: {train: corpus.jsonl, validation: val.jsonl}")
        }
        if data.train.isEmpty, data.synthetic == nil {
            refuse("data.train", "'data.train' names no file", fix: "a file, a list of files, a folder or a pattern")
        }
    }

    /// Phases end one after the other, and the last one goes on.
    private func checkPhases() {
        guard let phases = recipe.data?.phases else { return }
        func bad(_ what: String) { refuse("data.phases", what, fix: "like [{until: 60%, blend: […]}, {blend: […]}]") }
        var last = (share: 0.0, tokens: 0)
        for (index, phase) in phases.enumerated() {
            if phase.blend.isEmpty { bad("phase \(index + 1) has no blend") }
            switch phase.until {
            case nil: if index < phases.count - 1 { bad("phase \(index + 1) has no 'until', and others follow it") }
            case .share(let share):
                if share <= last.share { bad("phase \(index + 1) ends before the one before it") }
                last.share = share
            case .tokens(let tokens):
                if tokens <= last.tokens { bad("phase \(index + 1) ends before the one before it") }
                last.tokens = tokens
            }
        }
        if phases.isEmpty { bad("there are no phases") }
        if phases.last?.until != nil { bad("the last phase has an end, and the run might go on after it") }
    }

    private func checkTraining() {
        checkPhases()
        let train = recipe.train
        switch (train.tokens, train.steps) {
        case (nil, nil):
            guard isComplete else { break }
            refuse("train", "neither 'tokens' nor 'steps' says how long to train", fix: "like train: {tokens: 200M}")
        case (.some, .some):
            refuse("train.steps", "'tokens' and 'steps' are both set", fix: "remove one: the other follows from it")
        case (.some, nil), (nil, .some):
            break
        }
        let share = train.microBatch * recipe.dataParallelSize
        if train.globalBatch % share != 0 {
            refuse(
                "train.global_batch",
                "global_batch \(train.globalBatch) cannot be divided into micro-batches of \(train.microBatch) "
                    + "on \(recipe.dataParallelSize) ranks",
                fix: "use a multiple of \(share), like \(max(1, (train.globalBatch + share / 2) / share) * share)")
        }
        if recipe.optimizer.betas.count != 2 {
            refuse("optimizer.betas", "'betas' needs two numbers, found \(recipe.optimizer.betas.count)")
        }
        if recipe.schedule.minimumLearningRate > recipe.optimizer.learningRate {
            refuse(
                "schedule.min_lr", "min_lr \(recipe.schedule.minimumLearningRate) is above the learning rate "
                    + "\(recipe.optimizer.learningRate)")
        }
        if recipe.checkpoint.every == nil, recipe.checkpoint.everySteps == nil {
            refuse(
                "checkpoint", "no periodic checkpoints: 'every' and 'every_steps' are both empty",
                fix: "like checkpoint: {every: 10m}")
        }
    }

    private func checkParallel() {
        let parallel = recipe.parallel
        let asked: [(String, Bool, Unavailable)] = [
            ("tensor", parallel.tensor > 1, .tensor), ("pipeline", parallel.pipeline > 1, .pipeline),
            ("sequence", parallel.sequence, .sequence),
        ]
        for (key, isAsked, way) in asked where isAsked {
            refuse("parallel.\(key)", way.words, fix: "leave it out: data parallelism over all ranks is what runs")
        }
    }

    private func checkResources() {
        let resources = recipe.resources
        if resources.gpusPerNode > 0, resources.gpusPerNode % resources.ranks != 0 {
            refuse(
                "resources.ranks_per_node",
                "\(resources.gpusPerNode) gpus_per_node cannot be divided among \(resources.ranks) ranks_per_node")
        }
        if let time = resources.time, let total = recipe.policy.maxTotal, time > total {
            refuse("resources.time", "one attempt's time is longer than 'policy.max_total' for all of them")
        }
    }

    private func checkNotify() {
        if let command = recipe.notify.command, command.first?.isEmpty ?? true {
            refuse("notify.command", "the command is empty", fix: "like command: [mail, -s, Molt, me@example.org]")
        }
    }
}
