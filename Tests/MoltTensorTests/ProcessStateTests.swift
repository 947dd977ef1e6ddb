import MoltTensor
import Testing

/// Random numbers, mixed precision, memory. Generators belong to the process, so their tests run in one of their own.
struct ProcessStateTests {
    @Test func randomStateReturnsToWhereItWasSaved() async throws {
        await #expect(processExitsWith: .success) {
            try RandomState.seed(11)
            _ = try Tensor.randn([3])
            let state = try RandomState.save()
            let first = try Tensor.randn([100]).array(of: Float.self)
            _ = try Tensor.rand([17])
            try RandomState.restore(state)
            #expect(try Tensor.randn([100]).array(of: Float.self) == first)
        }
    }

    @Test func equalSeedsGiveEqualNumbers() async throws {
        await #expect(processExitsWith: .success) {
            let seeds: [UInt64] = [5, 5, 6]
            let draws: [[Float]] = try seeds.map { seed in
                try RandomState.seed(seed)
                return try Tensor.rand([8]).array(of: Float.self)
            }
            #expect(draws[0] == draws[1])
            #expect(draws[0] != draws[2])
        }
    }

    @Test func damagedRandomStatesAreErrors() throws {
        #expect(throws: TorchError.self) { try RandomState.restore([1, 2, 3]) }
    }

    @Test func autocastMultipliesInItsTypeAndLeavesParametersAlone() throws {
        let weight = try Tensor.randn([4, 4]).requiresGrad_()
        let input = try Tensor.randn([2, 4])
        let (product, full) = try autocast(.bfloat16) { () throws(TorchError) in
            (try input.linear(weight), try autocast(nil) { () throws(TorchError) in try input.linear(weight) })
        }
        #expect(product.dtype == .bfloat16)
        #expect(full.dtype == .float32)
        #expect(try input.linear(weight).dtype == .float32)
        try product.to(.float32).sum().backward()
        #expect(weight.grad?.dtype == .float32)
    }

    @Test func autocastSeesParametersThatChangedBetweenScopes() throws {
        let weight = try Tensor.ones([1, 1]).requiresGrad_()
        let input = try Tensor.ones([1, 1])
        func product() throws(TorchError) -> Double {
            try autocast(.bfloat16) { () throws(TorchError) in try input.linear(weight).item() }
        }
        #expect(try product() == 1)
        _ = try noGrad { () throws(TorchError) in try weight.fill_(3) }
        #expect(try product() == 3)
    }

    @Test func metaTensorsHaveShapesAndNoMemory() throws {
        let huge = try Tensor.empty([1 << 20, 1 << 20], device: .meta)
        let product = try huge.linear(Tensor.empty([8, 1 << 20], device: .meta))
        #expect(product.shape == [1 << 20, 8])
        #expect(product.device == .meta)
        #expect(throws: TorchError.self) { try product.array(of: Float.self) }
    }

    @Test func tooMuchMemoryIsAnErrorOfItsOwn() throws {
        let error = #expect(throws: TorchError.self) { try Tensor.empty([1 << 50]) }
        #expect(error?.code == .outOfMemory || error?.message.contains("allocate") == true)
    }

    @Test func runtimeAndShimBelongTogether() throws {
        try Torch.checkRuntime()
        #expect(Torch.version.hasPrefix("2."))
        #expect(!Torch.instructionSet.isEmpty)
    }
}
