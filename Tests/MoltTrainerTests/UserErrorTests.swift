import FoundationEssentials
import MoltCore
import MoltRecipe
import MoltTesting
import Testing

extension WorkerTests {
    /// What the user must mend ends with 78 and one or two lines that name it, on standard error and in the events.
    struct UserErrorTests {
        private let data = TemporaryFolder("data")

        struct Mistake: Sendable, CustomStringConvertible {
            let description: String
            let expected: String
            let change: @Sendable (inout Recipe, TemporaryFolder) throws -> Void

            init(
                _ description: String, _ expected: String,
                change: @escaping @Sendable (inout Recipe, TemporaryFolder) throws -> Void
            ) {
                self.description = description
                self.expected = expected
                self.change = change
            }
        }

        static let mistakes = [
            Mistake("missing data", "nowhere.txt does not exist") { recipe, folder in
                recipe.data?.train = [folder("nowhere.txt")]
            },
            Mistake("empty data", "empty.txt: the data file is empty") { recipe, folder in
                try DurableFile.write(Data(), to: folder("empty.txt"))
                recipe.data?.train = [folder("empty.txt")]
            },
            Mistake("malformed JSONL", "bad.jsonl:2: not a JSON object") { recipe, folder in
                try DurableFile.write(Data("{\"text\": \"a\"}\n{oops}\n".utf8), to: folder("bad.jsonl"))
                recipe.data?.train = [folder("bad.jsonl")]
            },
            Mistake("a batch that ranks cannot share", "5 sequences cannot be split evenly over 2 ranks") {
                recipe, _ in
                recipe.train.globalBatch = 5
            },
            Mistake("an unknown tokenizer", "there is no tokenizer at 'x.json'") { recipe, _ in
                recipe.data?.tokenizer = "x.json"
            },
            Mistake("a vocabulary too small", "the model has 100 token ids, the tokenizer 259") { recipe, _ in
                recipe.model?.vocabularySize = 100
            },
            Mistake("a missing checkpoint", "no checkpoint can be loaded from /nowhere") { recipe, _ in
                recipe.initFrom = "/nowhere"
            },
            Mistake("LoRA without a base", "adapters stand on a model that is there already") { recipe, _ in
                recipe.method.type = .lora
                recipe.method.targets = ["in_proj"]
            },
            Mistake("no end", "does not say how long to train") { recipe, _ in recipe.train.steps = nil },
        ]

        @Test(arguments: mistakes)
        func aMistakeIsNamedAndEndsTheRunAtOnce(_ mistake: Mistake) async throws {
            var recipe = try TinyRecipe.make(data)
            try mistake.change(&recipe, data)
            let fleet = try Fleet(recipe)
            #expect(try await fleet.live(ranks: mistake.description.contains("ranks") ? 2 : 1).contains(78))
            #expect(fleet.output().contains(mistake.expected), "\(fleet.output())")
            #expect(fleet.events().last?.kind == .ended)
            #expect(fleet.events().last?.message?.contains(mistake.expected) == true)
            #expect(fleet.output().split(separator: "\n").count <= 2)
        }

        @Test func aCheckpointOfAnotherArchitectureIsRefusedByTheNameOfTheDifference() async throws {
            var recipe = try TinyRecipe.make(data, steps: 2)
            let fleet = try Fleet(recipe)
            #expect(try await fleet.live() == [0])
            recipe.model?.hiddenSize = 48
            recipe.train.steps = 4
            try fleet.write(recipe)
            #expect(try await fleet.live() == [78])
            #expect(fleet.output().contains("hidden_size is 32 there and 48 in the recipe"), "\(fleet.output())")
        }

        @Test func noWholeCheckpointIsAnErrorAndNotAFreshStart() async throws {
            let fleet = try Fleet(try TinyRecipe.make(data, steps: 2))
            #expect(try await fleet.live() == [0])
            for name in try fleet.checkpoints.names() {
                try DurableFile.write(Data(), to: fleet.checkpoints.folder(of: name) + "/manifest.json")
            }
            #expect(try await fleet.live() == [78])
            #expect(fleet.output().contains("checkpoints is whole"), "\(fleet.output())")
        }

        @Test func aWorkerWithoutItsVariablesSaysWhatToDo() async throws {
            let fleet = try Fleet(try TinyRecipe.make(data))
            #expect(try await fleet.live(environment: [WorkerEnvironment.runFolder: ""]) == [78])
            #expect(fleet.output().contains("MOLT_RUN_DIR is not set"))
            #expect(try await fleet.live(environment: [WorkerEnvironment.rank: "seven"]) == [78])
            #expect(fleet.output().contains("RANK=seven is not a number"))
        }
    }
}
