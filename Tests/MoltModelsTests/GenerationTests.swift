#if canImport(Glibc)
import Glibc
#endif
import MoltModels
import MoltNN
import MoltTensor
import Testing

struct GenerationTests {
    @Test(arguments: ["M-*M-", "MM", "*-", "*M*"], [1, 2, 23])
    func stepByStepEqualsTheWholeForward(_ pattern: String, prompt: Int) throws {
        let model = try TinyModels.synthetic(TinyModels.nemotronH(pattern))
        let tokens = try TinyModels.tokens("generation", 2, 100)
        let whole = try model.logits(model.hidden(tokens))
        let state = model.generationState()
        var scores = try model.step(tokens.narrow(1, from: 0, length: prompt), state)
        for position in prompt..<100 {
            let difference = try maximumDifference(scores, whole.select(1, position - 1))
            #expect(difference <= 1e-5, "after \(position) tokens the scores differ by \(difference)")
            scores = try model.step(tokens.narrow(1, from: position, length: 1), state)
        }
        #expect(state.position == 100)
        #expect(try maximumDifference(scores, whole.select(1, 99)) <= 1e-5)
    }

    @Test func aPromptInPiecesIsThePrompt() throws {
        let model = try TinyModels.synthetic(TinyModels.nemotronH())
        let tokens = try TinyModels.tokens("generation", 1, 60)
        let whole = try model.step(tokens, model.generationState())
        let state = model.generationState()
        for (start, count) in [(0, 2), (2, 30), (32, 27)] {
            _ = try model.step(tokens.narrow(1, from: start, length: count), state)
        }
        #expect(try maximumDifference(model.step(tokens.narrow(1, from: 59, length: 1), state), whole) <= 1e-5)
    }

    @Test func theStateOfAMambaLayerDoesNotGrow() throws {
        let model = try TinyModels.synthetic(TinyModels.nemotronH("M"))
        let state = model.generationState()
        _ = try model.step(TinyModels.tokens("generation", 1, 50), state)
        guard case .recurrent(let layer) = state.layers[0] else { return #expect(Bool(false), "not a Mamba layer") }
        #expect(layer.tail?.shape == [1, 78, 3])
        #expect(layer.state?.shape == [1, 6, 8, 5])
        #expect(layer.state?.dtype == .float32)
    }
}

struct SamplerTests {
    @Test func greedyTakesTheBestAndTheLowerOfEquals() {
        var sampler = Sampler()
        #expect(sampler.choose([0.1, 3, -1, 3]) == 1)
    }

    @Test func theSeedDecides() {
        let scores = (0..<50).map { Float($0 % 7) / 3 }
        func run(_ seed: UInt64) -> [Int] {
            var sampler = Sampler(.init(temperature: 1), seed: seed)
            return (0..<40).map { _ in sampler.choose(scores) }
        }
        #expect(run(4) == run(4))
        #expect(run(4) != run(5))
    }

    @Test func frequenciesFollowTheProbabilities() {
        var sampler = Sampler(.init(temperature: 1), seed: 3)
        var counts = [0, 0, 0]
        for _ in 0..<30_000 { counts[sampler.choose([0, 0.6931472, 1.609438])] += 1 }
        for (count, expected) in zip(counts, [1.0, 2, 5]) {
            #expect(abs(Double(count) / 30_000 - expected / 8) < 0.012)
        }
    }

    @Test func topKAndTopPLeaveOutTheRest() {
        let scores: [Float] = [0, 2, 1, -1]
        var two = Sampler(.init(temperature: 5, topK: 2), seed: 1)
        #expect(Set((0..<300).map { _ in two.choose(scores) }) == [1, 2])
        var most = Sampler(.init(temperature: 1, topP: 0.6), seed: 1)
        #expect(Set((0..<300).map { _ in most.choose(scores) }) == [1])
        var all = Sampler(.init(temperature: 1, topP: 1), seed: 1)
        #expect(Set((0..<3000).map { _ in all.choose(scores) }) == [0, 1, 2, 3])
    }

    private static let scores = (0..<40).map { Float(($0 * 17) % 40) / 8 }

    /// The definitions, written out: softmax, rank, cumulated mass, share of the best.
    private static func allowed(_ settings: Sampler.Settings) -> Set<Int> {
        let weights = scores.map { exp(Double($0) / settings.temperature) }
        var order = scores.indices.sorted { weights[$0] > weights[$1] }
        if let topK = settings.topK { order = Array(order.prefix(topK)) }
        let total = order.reduce(0) { $0 + weights[$1] }
        var kept: [Int] = [], mass = 0.0
        for token in order where mass < settings.topP * total {
            kept.append(token)
            mass += weights[token]
        }
        return Set(kept.filter { weights[$0] >= settings.minP * weights[order[0]] })
    }

    @Test(
        arguments: [
            Sampler.Settings(temperature: 1, minP: 0.3), .init(temperature: 2, minP: 0.5),
            .init(temperature: 1, topK: 7), .init(temperature: 3, topP: 0.4), .init(temperature: 1, topK: 9, topP: 0.7),
            .init(temperature: 1.5, topK: 20, topP: 0.9, minP: 0.2), .init(temperature: 2, topP: 0.999),
        ])
    func whatMayBeDrawnIsWhatTheDefinitionsLeave(_ settings: Sampler.Settings) {
        var sampler = Sampler(settings, seed: 9)
        let drawn = Set((0..<20_000).map { _ in sampler.choose(Self.scores) })
        let allowed = Self.allowed(settings)
        #expect(drawn.isSubset(of: allowed), "\(drawn.subtracting(allowed))")
        // Only what is very unlikely may be missing.
        let weights = Self.scores.map { exp(Double($0) / settings.temperature) }
        let total = allowed.reduce(0) { $0 + weights[$1] }
        #expect(allowed.subtracting(drawn).allSatisfy { weights[$0] / total < 1e-3 })
    }

    @Test func aRepetitionPenaltyDividesPositiveScoresAndMultipliesNegativeOnes() {
        var sampler = Sampler(.init(repetitionPenalty: 2))
        #expect(sampler.choose([3, 2, -1], seen: []) == 0)
        #expect(sampler.choose([3, 2, -1], seen: [0]) == 1)
        #expect(sampler.choose([-1, -1.5, -1.9], seen: [0]) == 1)
        #expect(sampler.choose([-1, -1.5, -1.9], seen: [0, 1]) == 2)
        #expect(sampler.choose([3, 2, -1], seen: [7, -1]) == 0)
    }

    @Test func impossibleScoresAreNeverDrawn() {
        let scores: [Float] = [-.infinity, 1, -.infinity, 1]
        let ways = [Sampler.Settings(temperature: 1), .init(temperature: 1, topK: 4), .init(temperature: 9, topP: 0.99)]
        for settings in ways {
            var sampler = Sampler(settings, seed: 2)
            #expect(Set((0..<200).map { _ in sampler.choose(scores) }) == [1, 3])
        }
    }

    @Test func whatCannotBeSampledWithIsNamed() {
        #expect(Sampler.Settings(temperature: -1).problem?.contains("temperature") == true)
        #expect(Sampler.Settings(temperature: .nan).problem?.contains("temperature") == true)
        #expect(Sampler.Settings(topK: 0).problem?.contains("top-k") == true)
        #expect(Sampler.Settings(topP: 0).problem?.contains("top-p") == true)
        #expect(Sampler.Settings(minP: 1.5).problem?.contains("min-p") == true)
        #expect(Sampler.Settings(repetitionPenalty: 0).problem?.contains("repetition") == true)
        #expect(Sampler.Settings(temperature: 0.7, topK: 5, topP: 0.9, minP: 0.1).problem == nil)
    }
}
