import MoltCore
import MoltRecipe
import Testing

/// What each kind of mistake is answered with: the place, the key, what is wrong, and the way out.
struct RecipeErrorTests {
    struct Mistake: Sendable, CustomTestStringConvertible {
        var line: String
        var says: [String]

        init(_ line: String, _ says: String...) {
            self.line = line
            self.says = says
        }

        var testDescription: String { line.prefix(60).description }
    }

    /// Covers F6, J9.
    @Test(arguments: [
        Mistake("trian: {steps: 3}", "r.yaml:2: trian", "unknown key 'trian'", "did you mean 'train'?"),
        Mistake("optimizer: {lrr: 3}", "r.yaml:2: optimizer.lrr", "unknown key 'lrr' in 'optimizer'", "'lr'"),
        Mistake("data:\n  train: x\n  seqence_length: 3", "r.yaml:4: data.seqence_length", "'sequence_length'"),
        Mistake("train: {steps: many}", "r.yaml:2: train.steps", "whole number of at least 1", "'many'"),
        Mistake("train: {steps: -5}", "r.yaml:2: train.steps", "at least 1", "'-5'"),
        Mistake("train: {steps: 0}", "at least 1"),
        Mistake("train: {steps: 1.5}", "r.yaml:2: train.steps"),
        Mistake("train: {steps: 99999999999999999999}", "r.yaml:2: train.steps"),
        Mistake("train: {steps: [1]}", "found a list"),
        Mistake("train: 5", "r.yaml:2: train", "expected a section", "'5'"),
        Mistake("train: {precision: fp23}", "r.yaml:2: train.precision", "did you mean 'fp32'?"),
        Mistake("task: pretrian", "r.yaml:2: task", "did you mean 'pretrain'?"),
        Mistake("model: {hidden_size: 1000000000000}", "r.yaml:2: model.hidden_size", "at most"),
        Mistake("model: {pattern: M-X*-}", "r.yaml:2: model.pattern", "'X' at position 3", "M (Mamba-2)"),
        Mistake("model: {pattern: \"\"}", "r.yaml:2: model.pattern"),
        Mistake("model: {mamba_heads: 5, groups: 2}", "model.groups", "5 mamba_heads", "2 groups"),
        Mistake("model: {kv_heads: 3}", "model.kv_heads", "4 attention_heads"),
        Mistake("model: {conv_kernel: 17}", "model.conv_kernel", "16"),
        Mistake("data: {synthetic: {size: [9, 3]}}", "data.synthetic.size", "the least and the most"),
        Mistake("data: {synthetic: {size: 9, keys: 8}}", "data.synthetic.size", "9 pairs need as many keys"),
        Mistake("data: {synthetic: {pairs: 9}}", "r.yaml:2: data.synthetic.pairs", "unknown key 'pairs'"),
        Mistake("data: {synthetic: {task: recal}}", "data.synthetic.task", "did you mean 'recall'?"),
        Mistake("model: {conv_kernel: 1}", "model.conv_kernel", "at least 2"),
        Mistake("model: {ffn_size: 0}", "model.ffn_size", "'ffn_size' is not set"),
        Mistake("train: {micro_batch: 3}", "train.global_batch", "cannot be divided", "multiple of 3"),
        Mistake("train: {steps: 3, tokens: 5}", "train.steps", "'tokens' and 'steps' are both set"),
        Mistake("resources: {time: tomorrow}", "resources.time", "10m, 24:00:00 or 4-0"),
        Mistake("resources: {memory: lots}", "resources.memory", "64G"),
        Mistake("resources: {partition: \"a b; rm -rf /\"}", "resources.partition"),
        Mistake("resources: {gpus_per_node: 4, ranks_per_node: 3}", "resources.ranks_per_node", "4 gpus_per_node"),
        Mistake("resources: {slurm: {constrain: x}}", "resources.slurm", "did you mean 'constraint'?"),
        Mistake("resources: {slurm: {nodes: 4}}", "'nodes' is set by 'resources.nodes'"),
        Mistake("resources: {slurm: {output: x}}", "Molt sets 'output' itself"),
        Mistake("resources: {slurm: {array: 0-3}}", "resources.slurm", "one job, not an array", "once for each member"),
        Mistake("resources: {slurm: {het-group: 1}}", "resources.slurm", "one job", "not supported"),
        Mistake("resources: {slurm: {exclusive: 3}}", "is a flag"),
        Mistake("environment: {LD_PRELOAD: x}", "environment", "'LD_PRELOAD' may not be set"),
        Mistake("environment: {BASH_ENV: x}", "may not be set"), Mistake("environment: {ENV: x}", "may not be set"),
        Mistake("environment: {SLURM_JOB_ID: 1}", "may not be set"), Mistake("environment: {SBATCH_X: 1}", "SBATCH_"),
        Mistake("environment: {SPANK_X: 1}", "SPANK_"), Mistake("environment: {_SLURM_X: 1}", "_SLURM_"),
        Mistake("environment: {MOLT_KEY: 1}", "MOLT_"), Mistake("environment: {RANK: 1}", "may not be set"),
        Mistake("environment: {\"a b\": 1}", "not a variable's name"),
        Mistake("environment: {A: \"secret://../x\"}", "environment", "names no secret", "secret://NAME"),
        Mistake("notify: {webhook: \"secret://\"}", "notify.webhook", "secret://NAME"),
        Mistake("parallel: {tensor: 2}", "parallel.tensor", "not available in this version"),
        Mistake("parallel: {pipeline: 2}", "parallel.pipeline", "not available in this version"),
        Mistake("optimizer: {betas: [0.9]}", "optimizer.betas", "two numbers"),
        Mistake("optimizer: {betas: [0.9, 1.5]}", "optimizer.betas", "item 2"),
        Mistake("optimizer: {lr: .inf}", "optimizer.lr"), Mistake("optimizer: {lr: nan}", "optimizer.lr"),
        Mistake("optimizer: {lr: -1}", "optimizer.lr"),
        Mistake("schedule: {min_lr: 1}", "schedule.min_lr", "above the learning rate"),
        Mistake("checkpoint: {every: null}", "checkpoint", "no periodic checkpoints"),
        Mistake("method: {type: lora}", "method.targets", "needs targets"),
        Mistake("method: {type: dora, targets: [in_prj]}", "r.yaml:2: method.targets", "'in_prj'", "'in_proj'?"),
        Mistake("method: {type: lora, targets: [conv1d]}", "no linear layer 'conv1d'", "in_proj"),
        Mistake("method: {type: lora, targets: [in_proj], rank: 0}", "r.yaml:2: method.rank", "at least 1"),
        Mistake("method: {type: lora, targets: [in_proj], dropout: 1}", "method.dropout", "below 1"),
        Mistake("method: {type: lora, targets: [in_proj]}", "method.type", "adapters need weights"),
        Mistake("method: {type: lorra}", "r.yaml:2: method.type", "did you mean 'lora'?"),
        Mistake("method: {type: prefix, targets: [in_proj]}", "method.targets", "has no targets"),
        Mistake("method: {type: bottleneck, freeze: norm}", "method.freeze", "is for 'type: full'"),
        Mistake("method: {virtual_tokens: 0}", "method.virtual_tokens", "at least 1"),
        Mistake("method: {type: p_tuning, encoder: lstm}", "r.yaml:2: method.encoder", "an MLP here", "say 'mlp'"),
        Mistake("method: {type: p_tuning, encoder: LSTM}", "method.encoder", "none with an LSTM is built in"),
        Mistake("method: {type: p_tuning, encoder: gru}", "method.encoder", "is not one of mlp"),
        Mistake("method: {prompt_text: x}", "method.prompt_text", "'type: prompt_tuning'"),
        Mistake("objective: {type: dpo}", "r.yaml:2: objective.type", "needs a model to start from"),
        Mistake("objective: {type: dp}", "r.yaml:2: objective.type", "did you mean 'dpo'?"),
        Mistake("objective: {type: dpo, beta: 0}", "r.yaml:2: objective.beta", "positive"),
        Mistake("objective: {label_smoothing: 0.5}", "objective.label_smoothing", "below 0.5"),
        Mistake("objective: {type: dpo}\ninit_from: /m\ntask: finetune", "data.train", "needs pairs", "plain text"),
        Mistake(
            "objective: {type: dpo}\ninit_from: /m\ntask: finetune\ndata: {train: [{path: a.jsonl, weight: 2}]}",
            "data.train", "a blend has weights"),
        Mistake("optimizer: {layer_decay: 0}", "r.yaml:2: optimizer.layer_decay", "above 0"),
        Mistake("optimizer: {groups: [{match: norm}, {lr_scale: 3}]}", "optimizer.groups", "item 2", "no 'match'"),
        Mistake("optimizer: {groups: [{match: norm, lr: 3}]}", "optimizer.groups", "item 1", "unknown key 'lr'"),
        Mistake("optimizer: {groups: [{match: norm, lr_scale: -1}]}", "optimizer.groups", "'lr_scale'", "at least 0"),
        Mistake("train: {early_stopping: {patience: 0}}", "train.early_stopping.patience", "at least 1"),
        Mistake("train: {early_stopping: {patience: 2}}", "train.early_stopping", "needs 'data.validation'"),
        Mistake("train: {early_stopping: {}}\ndata: {validation: v.txt}", "train.early_stopping", "eval_every: 100"),
        Mistake("notify: {webhook: \"ftp://x\"}", "notify.webhook", "https://"),
        Mistake("notify: {on: [finishd]}", "notify.on", "did you mean 'finished'?"),
        Mistake("command: [ls]", "only for 'task: command'"),
        Mistake("task: command", "command", "needs a command"),
        Mistake("task: finetune", "init_from", "needs weights to start from"),
        Mistake("data: null", "data", "needs data"),
        Mistake("extends: nothing-like-this", "extends", "no recipe 'nothing-like-this'"),
    ])
    func eachMistakeIsNamed(_ mistake: Mistake) {
        let text = mistake.line.hasPrefix("extends") ? mistake.line : "extends: base\n" + mistake.line
        let complaint = RecipeFixture.complaints(text).joined(separator: "\n")
        #expect(!complaint.isEmpty)
        for part in mistake.says { #expect(complaint.contains(part), "in: \(complaint)") }
    }

    /// Covers J2, J4.
    @Test(arguments: [
        "quo'te", "new\nline", "$(touch x)", "../up", "🙂", "", "a/b", "-x", ".x", "a b",
        String(repeating: "x", count: 65),
        "\u{1B}[31mred", "a\u{202E}b",
    ])
    func unsafeRunNamesAreRefusedAndShownSafely(_ name: String) {
        var escaped = ""
        for scalar in name.unicodeScalars {
            switch scalar {
            case "\n": escaped += "\\n"
            case "\u{1B}": escaped += "\\e"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        let complaints = RecipeFixture.complaints("extends: base\nname: \"\(escaped)\"")
        #expect(complaints.count == 1)
        #expect(complaints.first?.hasPrefix("r.yaml:2: name: the run name") == true, "\(complaints)")
        #expect(complaints.first?.contains { "\u{1B}\u{202E}".contains($0) } == false)
    }

    @Test func allMistakesOfAFileAreToldAtOnce() {
        let complaints = RecipeFixture.complaints(
            "extends: base\ntrian: 1\noptimizer: {lr: x}\nmodel: {pattern: Q}\nresources: {time: z}")
        #expect(complaints.count == 4)
        #expect(complaints.map { $0.prefix(8) } == ["r.yaml:2", "r.yaml:3", "r.yaml:4", "r.yaml:5"])
    }

    @Test func aBadOverrideNamesTheCommandLine() {
        #expect(RecipeFixture.complaints("extends: base", "train.stesp=3").first?
            .hasPrefix("command line: train.stesp: unknown key 'stesp'") == true)
        #expect(RecipeFixture.complaints("extends: base", "train.steps").first?.contains("key=value") == true)
        #expect(RecipeFixture.complaints("extends: base", "=3").first?.contains("no proper key") == true)
        #expect(RecipeFixture.complaints("extends: base", "data.train=[a").first?.contains("not valid YAML") == true)
    }

    @Test(arguments: [
        ("a: [1", "not valid YAML"), ("\ta: 1", "spaces, not tabs"), ("a: 1\na: 2", "'a' appears twice"),
        ("train: {steps: 1, steps: 2}", "'steps' appears twice"), ("- a", "a recipe is a section"),
        ("a: *nothing", "undefined alias"), ("--- \na: 1\n--- \nb: 1", "another document"),
        ("? [a, b]\n: c", "a key must be a single word"), ("a: \"\\uD800\"", "not valid YAML"),
        ("a: \u{0}", "not valid YAML"),
    ])
    func brokenYAMLIsAnErrorWithItsPlace(_ text: String, _ says: String) {
        let complaints = RecipeFixture.complaints(text)
        #expect(complaints.count == 1)
        #expect(complaints.first?.contains(says) == true, "\(complaints)")
        #expect(complaints.first?.hasPrefix("r.yaml") == true)
    }

    /// Covers J6.
    @Test func hostileSizesEndQuickly() {
        let deep = String(repeating: "[", count: 20_000)
        let nested = "a: " + String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
        let wide = "a: [" + String(repeating: "1,", count: 30_000) + "]"
        let long = "a: " + String(repeating: "x", count: 200_000)
        var bomb = "a0: &a0 [x,x,x,x]\n"
        for level in 1...14 { bomb += "a\(level): &a\(level) [*a\(level - 1)]\n" }
        bomb += "z: [*a14, *a14]\n? [*a14]\n: 1\n"
        let aliases = "a: &a 1\n" + (0..<40).map { "k\($0): *a\n" }.joined()
        let clock = ContinuousClock()
        let elapsed = clock.measure {
            for text in [deep, nested, wide, long, bomb, aliases] {
                #expect(RecipeFixture.complaints(text).count == 1)
            }
        }
        #expect(elapsed < .seconds(20))
    }

    @Test func aliasesWorkWithinReason() throws {
        let recipe = try RecipeFixture.load("extends: base\nresources: {time: &t 10m}\npolicy: {max_total: *t}")
        #expect(recipe.policy.maxTotal == 600)
    }

    /// Seeded noise over the bytes of a good recipe: whatever comes out, the loader answers.
    @Test func noiseIsAnsweredNotTrapped() {
        var state: UInt64 = 7
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
        let good = Array(RecipeFixture.base.utf8)
        let pieces = Array("{}[]:,#&*!|>'\"%@`-?\n \t\u{0}\\".utf8)
        for _ in 0..<600 {
            var bytes = good
            for _ in 0...next(4) { bytes[next(bytes.count)] = pieces[next(pieces.count)] }
            _ = RecipeFixture.complaints(String(decoding: bytes, as: UTF8.self))
        }
    }
}
