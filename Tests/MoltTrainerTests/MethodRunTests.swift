import FoundationEssentials
import MoltCore
import MoltRecipe
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

extension WorkerTests {
    /// Every way to fine-tune, in whole runs.
    struct MethodRunTests {
        private let data = TemporaryFolder("data")

        private func recipe(_ base: Fleet, _ type: MethodSection.MethodType) throws -> Recipe {
            var recipe = try TinyRecipe.make(data, steps: 10)
            recipe.task = .finetune
            recipe.model = nil
            recipe.initFrom = base.run.path
            recipe.method.type = type
            recipe.method.rank = 4
            recipe.method.alpha = 8
            if type.merges { recipe.method.targets = ["all-linear"] }
            recipe.method.dropout = type == .dora ? 0.1 : 0
            recipe.method.virtualTokens = 3
            recipe.method.promptText = type == .promptTuning ? "line" : nil
            recipe.optimizer.learningRate = 1e-2
            recipe.train.evaluateEvery = 5
            return recipe
        }

        /// Interrupted, each is bit for bit the run that was not; the model below is as it was. Those whose state is of
        /// another kind; `MethodTests` has all.
        @Test func everyMethodTrainsItsParametersAloneAndResumesToTheBit() async throws {
            let base = try Fleet(try TinyRecipe.make(data, steps: 12))
            #expect(try await base.live() == [0], "\(base.output())")
            for type in [MethodSection.MethodType.dora, .bottleneck, .promptTuning, .prefix] {
                let recipe = try recipe(base, type)
                let whole = try Fleet(recipe, sameNumericsAs: base)
                #expect(try await whole.live() == [0], "\(type): \(whole.output())")
                let parts = try Fleet(recipe, sameNumericsAs: base)
                try parts.start()
                #expect(await parts.poll { parts.lastStep(epoch: 1) >= 4 }, "\(type): \(parts.output())")
                parts.kill(SIGTERM)
                #expect(await parts.wait() == [75])
                #expect(try await parts.live() == [0], "\(type): \(parts.output())")
                #expect(parts.losses() == whole.losses(), "\(type)")
                for file in ["model", "optimizer"] {
                    #expect(try Self.newest(parts, file) == Self.newest(whole, file), "\(type): \(file)")
                }
                let notes = whole.events().compactMap(\.message)
                #expect(notes.contains { $0.contains("adapters stand on are unchanged") }, "\(type)")
                #expect(notes.contains { $0.contains("coverage 100 % of the requested targets") }, "\(type)")
                if type == .dora { try await expectTheVerbsKeepIt(whole, base) }
                guard !type.merges else { continue }
                let text = try await Spawn.output(
                    ["generate", "--run-folder", whole.run.path, "--prompt", "line", "--max-tokens", "3", "--greedy"])
                #expect(text.hasPrefix("line"), "\(type)")
            }
        }

        /// Killed without warning, it goes on from its last save: losses, prompt, encoder and optimizer are those of
        /// the run that was not.
        @Test func promptsThatAreKilledComeBackToTheBit() async throws {
            let base = try Fleet(try TinyRecipe.make(data, steps: 4))
            #expect(try await base.live() == [0], "\(base.output())")
            for type in [MethodSection.MethodType.pTuning, .promptTuning] {
                var recipe = try recipe(base, type)
                recipe.train.steps = 24
                // A step takes long enough that a kill finds the run at work.
                recipe.data?.sequenceLength = 512
                let whole = try Fleet(recipe, sameNumericsAs: base)
                #expect(try await whole.live() == [0], "\(type): \(whole.output())")
                let parts = try Fleet(recipe, sameNumericsAs: base)
                for _ in 0..<2 {
                    let before = try parts.checkpoints.names().last
                    try parts.start()
                    let epoch = parts.epoch
                    let isSaved = try await parts.poll {
                        let newest = try parts.checkpoints.names().last
                        return newest != before && parts.lastStep(epoch: epoch) > newest?.step ?? .max
                    }
                    #expect(isSaved, "\(type): \(parts.output())")
                    parts.kill(SIGKILL)
                    #expect(await parts.wait() == [-SIGKILL])
                }
                #expect(try await parts.live() == [0], "\(type): \(parts.output())")
                #expect(parts.firstStep(epoch: 3) ?? 0 > parts.firstStep(epoch: 2) ?? .max)
                #expect(parts.losses() == whole.losses() && whole.losses().count == 24, "\(type)")
                for file in ["model", "optimizer"] {
                    #expect(try Self.newest(parts, file) == Self.newest(whole, file), "\(type): \(file)")
                }
                let names = try Self.newest(whole, "model").keys
                #expect(names.contains { $0.contains("mlp_head") } == (type == .pTuning), "\(names)")
            }
        }

        /// Out to peft's layout and back: the same tensors. Merged: a model that needs no base.
        private func expectTheVerbsKeepIt(_ run: Fleet, _ base: Fleet) async throws {
            let path = run.run.path, peft = run.folder("peft"), back = run.folder("back"), whole = run.folder("whole")
            _ = try await Spawn.output(["adapter", "export", "--run-folder", path, "--out", peft])
            _ = try await Spawn.output(["adapter", "import", peft, "--base", base.run.path, "--out", back])
            _ = try await Spawn.output(["adapter", "merge", "--run-folder", path, "--out", whole])
            func tensors(_ folder: String) throws -> [String: Data] {
                let name = CheckpointName(step: 0, epoch: 0)
                return try Self.tensors("\(RunFolder(path: folder).checkpoints)/\(name)/model.safetensors")
            }
            #expect(try tensors(back) == Self.newest(run, "model"))
            let merged = try tensors(whole), before = try Self.newest(base, "model")
            #expect(Set(merged.keys) == Set(before.keys))
            let changed = merged.filter { $0.value != before[$0.key] }.keys
            #expect(changed.count == 10 && changed.allSatisfy { $0.hasSuffix("_proj.weight") }, "\(changed)")
        }

        /// The file holds all weights, those that were frozen as they were.
        @Test func frozenParametersStayAsTheyWere() async throws {
            var recipe = try TinyRecipe.make(data, steps: 4)
            recipe.method.freeze = ["embeddings", "*.mixer.in_proj", "A_log"]
            recipe.optimizer.layerDecay = 0.8
            let fleet = try Fleet(recipe)
            #expect(try await fleet.live() == [0], "\(fleet.output())")
            recipe.train.steps = 8
            try fleet.write(recipe)
            #expect(try await fleet.live() == [0], "\(fleet.output())")
            let names = try fleet.checkpoints.names()
            let (early, late) = try (
                Self.tensors(fleet, #require(names.first), "model"), Self.tensors(fleet, #require(names.last), "model"))
            #expect(Set(early.keys) == Set(late.keys))
            let same = early.filter { $0.value == late[$0.key] }.keys.sorted()
            #expect(
                same == ["backbone.embeddings.weight", "backbone.layers.0.mixer.A_log",
                    "backbone.layers.0.mixer.in_proj.weight"])
        }

        /// The bytes of each tensor of a safetensors file.
        private static func tensors(_ fleet: Fleet, _ name: CheckpointName, _ file: String) throws -> [String: Data] {
            try tensors("\(fleet.checkpoints.folder(of: name))/\(file).safetensors")
        }

        private static func tensors(_ path: String) throws -> [String: Data] {
            struct Entry: Decodable { var data_offsets: [Int]? }
            let file = try DurableFile.read(path)
            let length = file.prefix(8).enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) }
            let header = try JSONDecoder().decode([String: Entry].self, from: file[8..<8 + length])
            return header.compactMapValues { entry in
                entry.data_offsets.map { file[(8 + length + $0[0])..<(8 + length + $0[1])] }
            }
        }

        private static func newest(_ fleet: Fleet, _ file: String) throws -> [String: Data] {
            try tensors(fleet, #require(try fleet.checkpoints.names().last), file)
        }

        /// No improvement is large enough, so the third validation after the first ends the run: also when it was
        /// interrupted between them.
        @Test func earlyStoppingSurvivesARestartToTheBit() async throws {
            var recipe = try TinyRecipe.make(data, steps: 40)
            recipe.train.evaluateEvery = 3
            var rule = EarlyStopping()
            (rule.patience, rule.minimumDelta) = (3, 100)
            recipe.train.earlyStopping = rule
            recipe.checkpoint.everySteps = 100
            let whole = try Fleet(recipe)
            #expect(try await whole.live() == [0], "\(whole.output())")
            #expect(whole.lastStep(epoch: 1) == 12)
            #expect(whole.events().contains { $0.message?.hasPrefix("stopped early: 3 validations in a row") == true })
            // Each validation was the best so far, and its state was saved.
            #expect(try whole.checkpoints.names().map(\.step) == [6, 9, 12])
            let losses = whole.events().filter { $0.kind == .validation }.compactMap(\.validationLoss)
            let lowest = losses.firstIndex(of: losses.min() ?? 0).map { Double(3 * ($0 + 1)) }
            #expect(try await whole.inspect(whole.run.path + "/best")["step"] as? Double == lowest)
            let parts = try Fleet(recipe, sameNumericsAs: whole)
            try parts.start()
            #expect(await parts.poll { parts.lastStep(epoch: 1) >= 7 }, "\(parts.output())")
            parts.kill(SIGTERM)
            #expect(await parts.wait() == [75])
            #expect(try await parts.live() == [0], "\(parts.output())")
            #expect(parts.lastStep(epoch: 2) == 12)
            #expect(try Self.newest(parts, "optimizer") == Self.newest(whole, "optimizer"))
        }

        @Test func accumulatedGradientsEqualThoseOfOneLargeBatch() async throws {
            var recipe = try TinyRecipe.make(data, steps: 6)
            let accumulated = try Fleet(recipe)
            #expect(try await accumulated.live() == [0], "\(accumulated.output())")
            recipe.train.microBatch = 4
            let large = try Fleet(recipe, sameNumericsAs: accumulated)
            #expect(try await large.live() == [0], "\(large.output())")
            func steps(_ fleet: Fleet) -> [RunEvent] { fleet.events().filter { $0.kind == .step } }
            #expect(steps(large).count == 6)
            for (one, other) in zip(steps(accumulated), steps(large)) {
                #expect(abs((one.loss ?? .nan) - (other.loss ?? 0)) < 2e-6)
                #expect(abs((one.gradientNorm ?? .nan) / (other.gradientNorm ?? 1) - 1) < 1e-5)
            }
        }
    }
}
