import MoltNN
import MoltTensor
import MoltTesting
import Testing

struct LoRATests {
    /// Two blocks of linear layers under names of the field.
    private struct Layers {
        let registry = ParameterRegistry(seed: 3)
        let linears: [Linear]

        init() throws {
            let root = registry.root / "layers"
            linears = try [0, 1].flatMap { index in
                try ["in_proj", "out_proj"].map { try Linear(root / index / $0, 12, 12) }
            }
        }

        func callAsFunction(_ x: Tensor) throws -> Tensor {
            var x = x
            for linear in linears { x = try linear(x).silu() }
            return x
        }
    }

    private static func input() throws -> Tensor {
        try Tensor(SyntheticNumbers.uniform("input", 60).map(Float.init), shape: [5, 12])
    }

    @Test func aFreshAdapterChangesNoBit() throws {
        let layers = try Layers()
        let before = try layers(Self.input())
        _ = try LoRA.apply(to: layers.registry, targets: ["in_proj"], rank: 4, alpha: 8)
        #expect(try layers(Self.input()).equals(before))
    }

    @Test func onlyAdaptersAreTrained() throws {
        let layers = try Layers()
        _ = try LoRA.apply(to: layers.registry, targets: ["in_proj"], rank: 4, alpha: 8)
        #expect(layers.registry.trainable.map(\.name) == LoRA.state(of: layers.registry).map(\.name))
        #expect(
            layers.registry.trainable.map(\.name) == [
                "layers.0.in_proj.lora_A.weight", "layers.0.in_proj.lora_B.weight",
                "layers.1.in_proj.lora_A.weight", "layers.1.in_proj.lora_B.weight",
            ])
        try layers(Self.input()).sum().backward()
        for parameter in layers.registry.parameters {
            #expect((parameter.value.grad != nil) == parameter.isTrainable, "\(parameter.name)")
        }
    }

    @Test func mergingKeepsTheOutput() throws {
        let layers = try Layers()
        _ = try LoRA.apply(to: layers.registry, targets: ["*"], rank: 3, alpha: 6)
        for parameter in LoRA.state(of: layers.registry) {
            let values = SyntheticNumbers.uniform(parameter.name, parameter.count).map { Float($0 * 0.3) }
            try parameter.assign(Tensor(values, shape: parameter.shape))
        }
        let adapted = try layers(Self.input())
        try LoRA.merge(layers.registry)
        let merged = try layers(Self.input())
        #expect(try (merged - adapted).abs().max().item() <= 1e-5)
        #expect(LoRA.state(of: layers.registry).isEmpty)
        #expect(layers.registry.names.count == 4)
        #expect(layers.registry.trainableCount == layers.registry.count, "the result can be trained as a whole")
        #expect(try (merged - Layers()(Self.input())).abs().max().item() > 1e-3)
    }

    @Test func theReportCountsWhatWasMatched() throws {
        let layers = try Layers()
        let report = try LoRA.apply(
            to: layers.registry, targets: ["in_proj", "layers.1.*"], rank: 4, alpha: 8)
        #expect(report.matched == ["layers.0.in_proj", "layers.1.in_proj", "layers.1.out_proj"])
        #expect(report.counts == ["in_proj": 2, "layers.1.*": 2])
        #expect(report.adapterParameters == 3 * 2 * 4 * 12)
        #expect(report.totalParameters == 4 * 144 + 288)
        #expect(report.description == "LoRA on 3 modules: 288 of 864 parameters (33.33 %)")
    }

    @Test func aPatternThatMatchesNothingIsAnErrorWithTheNamesThereAre() throws {
        let layers = try Layers()
        #expect(throws: LoRAError.noMatch(pattern: "inproj", known: ["in_proj", "out_proj"])) {
            try LoRA.apply(to: layers.registry, targets: ["out_proj", "inproj"], rank: 4, alpha: 8)
        }
        #expect(layers.registry.trainable.count == 4)
        #expect(throws: LoRAError.noTargets) { try LoRA.apply(to: layers.registry, targets: [], rank: 4, alpha: 8) }
        #expect(throws: LoRAError.badRank(0, alpha: 8)) {
            try LoRA.apply(to: layers.registry, targets: ["in_proj"], rank: 0, alpha: 8)
        }
    }

    @Test func anAdapterIsNotAppliedTwice() throws {
        let layers = try Layers()
        _ = try LoRA.apply(to: layers.registry, targets: ["in_proj"], rank: 4, alpha: 8)
        #expect(throws: LoRAError.alreadyAdapted("layers.0.in_proj")) {
            try LoRA.apply(to: layers.registry, targets: ["in_proj"], rank: 4, alpha: 8)
        }
    }
}
