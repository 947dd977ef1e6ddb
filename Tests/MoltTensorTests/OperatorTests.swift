import MoltTensor
import Testing

struct OperatorTests {
    @Test func boxedCallsReachOperatorsByName() throws {
        let hypot = Operator("aten::hypot")
        let result = try hypot(Tensor([3.0 as Float, 5]), Tensor([4.0 as Float, 12]))
        #expect(try result.array(of: Float.self) == [5, 13])
    }

    @Test func overloadsAreChosenByName() throws {
        let sum = Operator("aten::sum", "dim_IntList")
        let result = try sum(Tensor([1.0 as Double, 2, 3, 4], shape: [2, 2]), [0], true)
        #expect(result.shape == [1, 2])
        #expect(try result.array(of: Double.self) == [4, 6])
    }

    @Test func unknownOperatorsAreErrorsThatNameThem() throws {
        let missing = Operator("aten::no_such_thing")
        #expect(!missing.exists)
        let error = #expect(throws: TorchError.self) { try missing(Tensor.zeros([1])) }
        #expect(error?.code == .unknownOperator)
        #expect(error?.message == "libtorch has no operator aten::no_such_thing")
    }

    @Test func errorsCarryLibtorchsSentence() throws {
        let a = try Tensor.zeros([2, 3])
        let error = #expect(throws: TorchError.self) { try a.matmul(a) }
        #expect(error?.code == .failed)
        #expect(error?.message == "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)")
    }

    @Test func argumentsOfAWrongKindAreErrors() throws {
        let matmul = Operator("aten::matmul")
        #expect(throws: TorchError.self) { try matmul(Tensor.zeros([2]), "two") }
        #expect(throws: TorchError.self) { try matmul(Tensor.zeros([2])) }
        #expect(throws: TorchError.self) { try matmul(Tensor.zeros([2]), Tensor.zeros([2]), 1) }
    }

    @Test func defaultsFillTrailingArguments() throws {
        let softmax = try Operator("aten::softmax", "int")(Tensor.zeros([4]), 0)
        #expect(try softmax.array(of: Float.self) == [0.25, 0.25, 0.25, 0.25])
    }

    @Test func listsOfScalarsAndOfOptionalTensorsAreUnderstood() throws {
        let tensors = [try Tensor.ones([2]), try Tensor.ones([1])]
        let scaled = try Operator("aten::_foreach_mul", "ScalarList").list(tensors, [2.0, 3.0])
        #expect(try scaled.map { try $0.array(of: Float.self) } == [[2, 2], [3]])
        let matrix = try Tensor.arange(to: 6).reshape([2, 3])
        let column = try matrix.index([nil, Tensor([2, 0])])
        #expect(try column.array(of: Int.self) == [2, 0, 5, 3])
    }

    @Test func resultsOfEveryKindAreTaken() throws {
        #expect(try Operator("aten::equal").results(Tensor.ones([2]), Tensor.ones([2])).bool(0))
        #expect(try Operator("aten::size", "int").results(Tensor.ones([2, 7]), 1).int(0) == 7)
        #expect(Operator("aten::q_scale").exists)
        let (values, indices) = try Tensor([1 as Float, 9, 4]).max(0)
        #expect(try values.item() == 9)
        #expect(try indices.itemInteger() == 1)
        #expect(throws: TorchError.self) { try Operator("aten::relu").results(Tensor.ones([1])).tensor(1) }
    }

    @Test func handlesAreFreedWithTheirTensors() async throws {
        await #expect(processExitsWith: .success) {
            try OperatorTests.work(times: 10)
            let before = Tensor.liveCount
            try OperatorTests.work(times: 10_000)
            #expect(Tensor.liveCount == before)
        }
    }

    private static func work(times: Int) throws {
        let x = try Tensor.ones([4]).requiresGrad_()
        for _ in 0..<times {
            let y = try (x * x + 1).sum()
            try y.backward()
            x.grad = nil
        }
    }
}
