import MoltModels
import MoltNN
import MoltRecipe
import MoltTensor
import MoltTesting
import Testing

/// Several texts together are what each is alone, in every family.
struct GenerationBatchTests {
    typealias AdapterKind = MethodSection.MethodType

    /// With pieces of eight tokens the fourth text would begin with a piece.
    private static let lengths = [9, 30, 1, 22]

    private static func prompts() throws -> [[Int32]] {
        try lengths.enumerated().map { number, length in
            try TinyModels.tokens("prompt \(number)", 1, length).array(of: Int64.self).map(Int32.init)
        }
    }

    /// Greedy continuations, and the largest scores' difference from those of `expected` at the same place.
    private static func run(
        _ model: HybridModel, _ prompts: [[Int32]], steps: Int, expected: [[[Float]]]? = nil
    ) throws -> (tokens: [[Int32]], scores: [[[Float]]], worst: Double) {
        let batch = try GenerationBatch(model, prompts: prompts)
        var tokens = [[Int32]](repeating: [], count: prompts.count)
        var scores = [[[Float]]](repeating: [], count: prompts.count)
        var worst = 0.0
        for step in 0..<steps {
            let now = try batch.hostScores()
            var next: [Int32] = []
            for row in prompts.indices {
                var sampler = Sampler()
                next.append(Int32(sampler.choose(now[row])))
                tokens[row].append(next[row])
                scores[row].append(now[row])
                for (ours, theirs) in zip(now[row], expected?[row][step] ?? []) {
                    worst = max(worst, Double(abs(ours - theirs)) / max(1, rootMeanSquare(now[row])))
                }
            }
            try batch.advance(next)
        }
        return (tokens, scores, worst)
    }

    @Test(arguments: TinyModels.families)
    func aPaddedBatchGivesTheScoresAndTokensOfEachTextAlone(_ name: String) throws {
        let model = try TinyModels.synthetic(TinyModels.family(name)), prompts = try Self.prompts()
        let alone = try prompts.map { try Self.run(model, [$0], steps: 14) }
        let together = try Self.run(model, prompts, steps: 14, expected: alone.map { $0.scores[0] })
        #expect(together.tokens == alone.map { $0.tokens[0] })
        #expect(together.worst <= 1e-5, "scores differ by \(together.worst)")
    }

    /// Virtual tokens stand between the padding and the text, and trained states begin with it.
    @Test(arguments: ["nemotron_h", "recurrent_gemma"], [.promptTuning, .prefix] as [AdapterKind])
    func adaptersThatStandBeforeTheTextStandThereInABatch(_ name: String, _ type: AdapterKind) throws {
        let model = try TinyModels.synthetic(TinyModels.family(name)), prompts = try Self.prompts()
        let plain = try Self.run(model, prompts, steps: 3)
        var method = MethodSection()
        (method.type, method.virtualTokens) = (type, 5)
        _ = try model.adapt(method)
        for parameter in model.registry.adapters {
            let values = SyntheticNumbers.uniform(parameter.name, parameter.count).map { Float($0) }
            try parameter.assign(Tensor(values, shape: parameter.shape))
        }
        let alone = try prompts.map { try Self.run(model, [$0], steps: 4) }
        let together = try Self.run(model, prompts, steps: 4, expected: alone.map { $0.scores[0] })
        #expect(together.tokens == alone.map { $0.tokens[0] })
        #expect(together.worst <= 1e-5, "scores differ by \(together.worst)")
        #expect(plain.scores.map { $0[0] } != together.scores.map { $0[0] }, "the adapter does nothing")
    }

    /// Texts that are finished leave the batch: the others go on as if nothing had happened.
    @Test(arguments: TinyModels.families)
    func rowsThatLeaveChangeNothingForThoseThatStay(_ name: String) throws {
        let model = try TinyModels.synthetic(TinyModels.family(name)), prompts = try Self.prompts()
        let all = try GenerationBatch(model, prompts: prompts), fewer = try GenerationBatch(model, prompts: prompts)
        for step in 0..<9 {
            let tokens = (0..<4).map { Int32(($0 * 7 + step * 3) % 37) }
            try all.advance(tokens)
            try fewer.advance(fewer.rows == 4 ? tokens : [tokens[3], tokens[0]])
            if step == 3 { try fewer.keep([3, 0]) }
        }
        let whole = try all.scores.indexSelect(0, Tensor([Int64(3), 0]))
        #expect(try maximumDifference(fewer.scores, whole) <= 1e-5 * max(1, whole.square().mean().item().squareRoot()))
        #expect(fewer.rows == 2)
    }

    /// A prompt is read by one pass, or by as many as it has pieces; never token by token.
    @Test(arguments: TinyModels.families)
    func aPromptIsReadInPiecesAndGivesTheSameScores(_ name: String) throws {
        let model = try TinyModels.synthetic(TinyModels.family(name)), prompts = try Self.prompts()
        let once = try GenerationBatch(model, prompts: prompts)
        let pieces = try GenerationBatch(model, prompts: prompts, pieceTokens: 8)
        #expect(once.forwardPasses == 1)
        #expect(pieces.forwardPasses == 4)
        let bound = try 1e-5 * max(1, once.scores.square().mean().item().squareRoot())
        #expect(try maximumDifference(once.scores, pieces.scores) <= bound)
        try once.advance([1, 2, 3, 4])
        #expect(once.forwardPasses == 2)
    }

    /// What recurrent layers and windows keep is as large after many tokens as after a few; attention to all grows.
    @Test(arguments: TinyModels.families)
    func onlyAttentionToAllTokensNeedsMoreMemoryForMoreTokens(_ name: String) throws {
        let section = try TinyModels.family(name)
        let prompt = (0..<KeyValueCache.blockTokens - 4).map { Int32($0 % 37) }
        let batch = try GenerationBatch(TinyModels.synthetic(section), prompts: [prompt])
        let few = batch.stateBytes
        for token in 0..<8 { try batch.advance([Int32(token)]) }
        #expect((batch.stateBytes > few) == section.pattern.layers.contains(.attention))
    }

    @Test func bf16KeepsToTheScoresAsFarAsItCan() throws {
        let model = try TinyModels.synthetic(TinyModels.nemotronH()), prompts = try Self.prompts()
        let full = try GenerationBatch(model, prompts: prompts)
        let half = try GenerationBatch(model, prompts: prompts, precision: .bfloat16)
        let scale = try full.scores.square().mean().item().squareRoot()
        let difference = try (full.scores - half.scores.to(.float32)).square().mean().item().squareRoot()
        #expect(difference > 0)
        #expect(difference <= 0.03 * scale, "relative \(difference / scale)")
    }
}

/// What a layer's cache holds, against the tokens themselves.
struct KeyValueCacheTests {
    /// Keys and values that tell their position: [2, 1, count, 2].
    private static func numbers(_ range: Range<Int>) throws -> Tensor {
        try Tensor(
            (0..<2).flatMap { row in range.flatMap { [Float($0 + 1000 * row), Float(-$0)] } },
            shape: [2, 1, range.count, 2])
    }

    /// The positions that a call sees, oldest first.
    private static func positions(_ seen: KeyValueCache.Seen) throws -> [Float] {
        let keys = try seen.keys.select(0, 0).select(0, 0).select(1, 0).array(of: Float.self)
        return Array(keys[seen.start...] + keys[..<seen.start])
    }

    @Test(arguments: [1, 2, 5, 7], [[1], [4], [6, 1, 1, 9, 1], [30, 2, 1, 1, 1, 1, 1, 1, 1, 1, 3]])
    func aRingHoldsTheLastKeysInOrderAndNoMore(_ window: Int, first calls: [Int]) throws {
        let cache = KeyValueCache(window: window)
        var position = 0
        for count in calls + [Int](repeating: 1, count: 20) {
            let new = try Self.numbers(position..<position + count)
            let seen = try cache.append(keys: new, values: new)
            position += count
            let found = try Self.positions(seen)
            // A single query sees the window alone; of several, each has a window before it.
            let wanted = count == 1 ? min(position, window) : min(position, count + min(window, position - count))
            #expect(found == (position - wanted..<position).map(Float.init))
            #expect(cache.length == min(position, window))
            #expect(cache.capacity <= window)
            #expect(try seen.keys.select(0, 1).array(of: Float.self) == seen.values.select(0, 1).array(of: Float.self))
        }
    }

    @Test func aRingIsAsLargeAfterAThousandTokensAsAfterAWindow() throws {
        let window = KeyValueCache.blockTokens + 40, cache = KeyValueCache(window: window)
        var sizes: Set<Int> = []
        for position in 0..<1000 {
            let new = try Self.numbers(position..<position + 1)
            _ = try cache.append(keys: new, values: new)
            sizes.insert(cache.tensors.reduce(0) { $0 + $1.byteCount })
        }
        // One block, then the window: 2 rows × 2 channels × 4 bytes, keys and values.
        #expect(sizes == [KeyValueCache.blockTokens * 32, window * 32])
    }

    @Test func withoutAWindowTheRoomGrowsInBlocks() throws {
        let cache = KeyValueCache(), block = KeyValueCache.blockTokens
        let calls = [
            (0, 3, block), (3, block - 3, block), (block, 1, 2 * block), (block + 1, 2 * block, 4 * block),
        ]
        for (start, count, capacity) in calls {
            let new = try Self.numbers(start..<start + count)
            let seen = try cache.append(keys: new, values: new)
            #expect(try Self.positions(seen) == (0..<start + count).map(Float.init))
            #expect(cache.capacity == capacity)
        }
    }
}
