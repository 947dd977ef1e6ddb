import MoltNN
import MoltTensor
import Testing

struct FreezingTests {
    private func registry() throws -> ParameterRegistry {
        let registry = ParameterRegistry(device: .meta)
        for name in ["embeddings.weight", "layers.0.norm.weight", "layers.0.mixer.in_proj.weight", "layers.1.A_log"] {
            _ = try registry.root.parameter(name, [2, 2], .zeros)
        }
        return registry
    }

    struct Case: Sendable {
        var frozen: [String] = []
        var trained: [String] = []
        var left: [String]
    }

    @Test(arguments: [
        Case(frozen: ["norm"], left: ["embeddings.weight", "layers.0.mixer.in_proj.weight", "layers.1.A_log"]),
        Case(frozen: ["embeddings", "A_log"], left: ["layers.0.norm.weight", "layers.0.mixer.in_proj.weight"]),
        Case(frozen: ["layers.0"], left: ["embeddings.weight", "layers.1.A_log"]),
        Case(frozen: ["layers.?.*_log", "*.norm.weight"], left: ["embeddings.weight", "layers.0.mixer.in_proj.weight"]),
        Case(trained: ["mixer"], left: ["layers.0.mixer.in_proj.weight"]),
        Case(frozen: ["norm"], trained: ["layers.0"], left: ["layers.0.mixer.in_proj.weight"]),
    ])
    func patternsFreezeWhatTheyCover(_ example: Case) throws {
        let registry = try registry()
        #expect(try registry.freeze(example.frozen, trainOnly: example.trained) == 4 - example.left.count)
        #expect(registry.trainable.map(\.name) == example.left)
    }

    @Test func aPatternWithoutParametersAndAModelWithoutTrainedOnesAreErrors() throws {
        let registry = try registry()
        #expect(throws: FreezingError.noMatch(pattern: "nrm", example: "embeddings.weight")) {
            try registry.freeze(["norm", "nrm"])
        }
        #expect(throws: FreezingError.nothingLeft) { try registry.freeze(["*"]) }
    }
}
