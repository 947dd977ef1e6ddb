import MoltParallel
import MoltTensor
import Testing

@Suite(.serialized) struct ProcessGroupTests {
    @Test func aGroupOfOneNeedsNobody() throws {
        let group = ProcessGroup()
        let tensor = try Tensor([1.0, 2])
        try group.allReduce(tensor)
        try group.barrier()
        #expect(try tensor.array(of: Double.self) == [1, 2])
        #expect(try group.any(true) && !group.any(false))
        #expect(try group.sum([2.5]) == [2.5])
        #expect(try group.gather([7, 8]) == [[7, 8]])
        #expect(try group.broadcast([9]) == [9])
    }

    @Test func ranksExchangeTensorsAndFacts() async throws {
        let port = try Ranks.freePort()
        await Ranks.run(2) { rank in
            await #expect(processExitsWith: .success) { [rank = rank as Int, port = port as Int] in
                let group = try Ranks.join(rank, of: 2, at: port)
                let tensor = try Tensor.full([1_000], rank + 1)
                try group.allReduce(tensor)
                #expect(try tensor.array(of: Float.self) == [Float](repeating: 3, count: 1_000))
                #expect(try group.any(rank == 1) && !group.any(false))
                #expect(try group.all(true) && !group.all(rank == 0))
                #expect(try group.maximum([rank, 10 - rank]) == [1, 10])
                #expect(try group.mean(Double(rank)) == 0.5)
                #expect(try group.gather([UInt8](repeating: 5, count: rank * 3)) == [[], [5, 5, 5]])
                #expect(try group.broadcast(rank == 1 ? [1, 2, 3] : [], from: 1) == [1, 2, 3])
                let strided = try Tensor.full([4, 3], rank).transpose(0, 1)
                let leaf = try Tensor.full([2], rank + 7).requiresGrad_()
                try group.broadcast([strided, leaf], from: 0)
                #expect(try strided.array(of: Float.self) == [Float](repeating: 0, count: 12))
                #expect(try leaf.array(of: Float.self) == [7, 7])
                let gathered = try group.gather(Tensor([rank]))
                #expect(try gathered.map { try $0.itemInteger() } == [0, 1])
                try group.barrier()
            }
        }
    }

    @Test func aRankThatNeverComesIsAnErrorThatSaysWhere() throws {
        let port = try Ranks.freePort()
        let clock = ContinuousClock()
        let start = clock.now
        let error = #expect(throws: TorchError.self) { try Ranks.join(0, of: 2, at: port, timeout: .seconds(1)) }
        #expect(error?.code == .communication)
        #expect(error?.message.contains("rank 0 of 2 did not meet the others at 127.0.0.1:\(port)") == true)
        #expect(clock.now - start < .seconds(30))
    }

    @Test func aRankThatDiesIsAnErrorForTheOthers() async throws {
        let port = try Ranks.freePort()
        await Ranks.run(2) { rank in
            await #expect(processExitsWith: .success) { [rank = rank as Int, port = port as Int] in
                let group = try Ranks.join(rank, of: 2, at: port, timeout: .seconds(60))
                guard rank == 0 else { return }
                let error = #expect(throws: TorchError.self) { try group.allReduce(Tensor.ones([8])) }
                #expect(error?.code == .communication)
                #expect(error?.message.hasPrefix("all-reduce failed on rank 0 of 2") == true)
            }
        }
    }

    @Test func differentModelsAreRefusedByEveryRank() async throws {
        let port = try Ranks.freePort()
        await Ranks.run(2) { rank in
            await #expect(processExitsWith: .success) { [rank = rank as Int, port = port as Int] in
                let group = try Ranks.join(rank, of: 2, at: port)
                let parameter = try Tensor.zeros([4 + rank]).requiresGrad_()
                let error = #expect(throws: TorchError.self) { try GradientBuckets([parameter], group: group) }
                #expect(error?.message.contains("different parameters") == true)
            }
        }
    }

    @Test func ranksOutsideTheWorldAreRefused() {
        #expect(throws: TorchError.self) {
            try ProcessGroup(ProcessGroupConfiguration(rank: 2, worldSize: 2, address: "127.0.0.1", port: 1))
        }
    }
}
