import MoltParallel
import MoltTensor
import Testing

/// A small network, trained on eight samples that the ranks share among them.
private struct Training {
    var group = ProcessGroup()
    var microBatches = 1
    var bucketBytes = 25 << 20
    var steps = 20
    static let globalBatch = 8

    /// The loss of the whole batch at each step, and the parameters at the end.
    func run() throws -> (losses: [Double], parameters: [[Float]]) {
        try RandomState.seed(41)
        let shapes = [[32, 16], [32], [24, 32], [24], [1, 24]]
        let parameters = try shapes.map { shape in
            try noGrad { try Tensor.randn(shape) * 0.3 }.requiresGrad_()
        }
        let buckets = try GradientBuckets(parameters, group: group, bucketBytes: bucketBytes)
        let share = Self.globalBatch / group.worldSize / microBatches
        var losses: [Double] = []
        let inputs = try Tensor.randn([Self.globalBatch, 16])
        let targets = try inputs.sin().sum(1, keepDim: true)
        for _ in 0..<steps {
            var total = 0.0
            for index in 0..<microBatches {
                let start = (group.rank * microBatches + index) * share
                let input = try inputs.narrow(0, from: start, length: share)
                let target = try targets.narrow(0, from: start, length: share)
                let hidden = try input.linear(parameters[0], parameters[1]).silu()
                let output = try hidden.linear(parameters[2], parameters[3]).tanh().linear(parameters[4])
                let loss = try (output - target).square().mean() / Double(microBatches)
                buckets.begin(synchronizing: index == microBatches - 1)
                try loss.backward()
                total += try loss.item()
            }
            try buckets.finish()
            losses.append(try group.mean(total))
            try noGrad {
                for parameter in parameters {
                    let gradient = try #require(parameter.grad)
                    try parameter.add_(gradient, alpha: -0.02)
                    parameter.grad = nil
                }
            }
        }
        return (losses, try parameters.map { try $0.array() })
    }
}

@Suite(.serialized) struct GradientBucketsTests {
    @Test(arguments: [1, 2, 4])
    func ranksTrainLikeOne(ranks: Int) async throws {
        let port = try Ranks.freePort()
        await Ranks.run(ranks) { rank in
            await #expect(processExitsWith: .success) {
                [rank = rank as Int, ranks = ranks as Int, port = port as Int] in
                let group = try Ranks.join(rank, of: ranks, at: port)
                let expected = try Training().run()
                let found = try Training(group: group).run()
                #expect(expected.losses[19] < expected.losses[0] / 2)
                for (a, b) in zip(expected.losses, found.losses) {
                    #expect(abs(a - b) <= 2e-6 * max(1, a))
                }
            }
        }
    }

    @Test func theCutIntoBucketsAndMicroBatchesDoesNotShow() async throws {
        let port = try Ranks.freePort()
        await Ranks.run(2) { rank in
            await #expect(processExitsWith: .success) { [rank = rank as Int, port = port as Int] in
                let group = try Ranks.join(rank, of: 2, at: port)
                let expected = try Training(group: group).run()
                // Two summands have one sum, so not a bit may differ.
                let small = try Training(group: group, bucketBytes: 512).run()
                #expect(small.losses == expected.losses)
                #expect(small.parameters == expected.parameters)
                let again = try Training(group: group).run()
                #expect(again.parameters == expected.parameters)
                let accumulated = try Training(group: group, microBatches: 2).run()
                for (a, b) in zip(expected.losses, accumulated.losses) {
                    #expect(abs(a - b) <= 2e-6 * max(1, a))
                }
            }
        }
    }

    @Test func gradientsOfSomeRanksReachAll() async throws {
        let port = try Ranks.freePort()
        await Ranks.run(2) { rank in
            await #expect(processExitsWith: .success) { [rank = rank as Int, port = port as Int] in
                let group = try Ranks.join(rank, of: 2, at: port)
                let parameters = try (0..<3).map { _ in try Tensor.ones([4]).requiresGrad_() }
                let buckets = try GradientBuckets(parameters, group: group, combination: .sum, bucketBytes: 16)
                #expect(buckets.bucketCount == 3)
                buckets.begin(synchronizing: true)
                // Rank 0 uses the first, rank 1 the second, nobody the third.
                try (parameters[rank] * (rank + 1)).sum().backward()
                try buckets.finish()
                #expect(try parameters[0].grad?.array(of: Float.self) == [1, 1, 1, 1])
                #expect(try parameters[1].grad?.array(of: Float.self) == [2, 2, 2, 2])
                #expect(try parameters[2].grad?.array(of: Float.self) == [0, 0, 0, 0])
            }
        }
    }

    @Test func aRankThatDiesDuringBackwardIsAnErrorForTheOthers() async throws {
        let port = try Ranks.freePort()
        await Ranks.run(2) { rank in
            await #expect(processExitsWith: .success) { [rank = rank as Int, port = port as Int] in
                let group = try Ranks.join(rank, of: 2, at: port, timeout: .seconds(60))
                let parameter = try Tensor.ones([4]).requiresGrad_()
                let buckets = try GradientBuckets([parameter], group: group)
                guard rank == 0 else { return }
                buckets.begin(synchronizing: true)
                let error = #expect(throws: TorchError.self) {
                    try parameter.sum().backward()
                    try buckets.finish()
                }
                #expect(error != nil)
            }
        }
    }

    @Test func bucketsOfOneRankLeaveGradientsAlone() throws {
        let parameter = try Tensor.ones([4]).requiresGrad_()
        let buckets = try GradientBuckets([parameter], group: ProcessGroup())
        buckets.begin(synchronizing: true)
        try (parameter * 3).sum().backward()
        try buckets.finish()
        #expect(buckets.bucketCount == 0)
        #expect(try parameter.grad?.array(of: Float.self) == [3, 3, 3, 3])
    }
}
