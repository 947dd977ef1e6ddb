import MoltCore
import MoltTrainer
import Testing

/// Where models compute that are not trained: what is asked for, and what is there.
struct ComputeTests {
    private typealias Kind = ComputeChoice.Kind

    @Test(arguments: [
        ("cpu", Kind.cpu), ("cuda", .gpu(nil)), ("cuda:0", .gpu(0)), ("cuda:12", .gpu(12)), ("", nil), ("gpu", nil),
        ("cuda:", nil), ("cuda:-1", nil), ("cuda:1x", nil), ("cuda:99999999999999999999", nil), ("cpu:0", nil),
        ("CUDA", nil), ("cuda:0:1", nil),
    ] as [(String, ComputeChoice.Kind?)])
    func aDeviceIsNamedAsLibtorchDoes(text: String, expected: ComputeChoice.Kind?) {
        #expect(Kind(text) == expected)
    }

    /// With none, two, and without a word.
    @Test(arguments: [
        (Kind.any, nil, 0, "cpu in fp32"), (.any, nil, 2, "cuda:0 in bf16"), (.any, .bf16, 0, "cpu in bf16"),
        (.any, .fp32, 1, "cuda:0 in fp32"), (.cpu, nil, 2, "cpu in fp32"), (.gpu(nil), nil, 1, "cuda:0 in bf16"),
        (.gpu(1), nil, 2, "cuda:1 in bf16"), (.gpu(1), .fp32, 2, "cuda:1 in fp32"),
    ] as [(ComputeChoice.Kind, Precision?, Int, String)])
    func theTypeFollowsTheDeviceUnlessItIsSaid(
        kind: ComputeChoice.Kind, precision: Precision?, visible: Int, expected: String
    ) throws {
        let place = try ComputeChoice(kind, precision).place(at: "--device", visible: visible)
        #expect("\(place)" == expected)
    }

    @Test(arguments: [
        (Kind.gpu(nil), 0, "--device", ["--device: a GPU is asked for, and none is visible", "(--device cpu)"]),
        (.gpu(0), 0, "resources.gpus_per_node", ["(resources.gpus_per_node: 0)", "CUDA_VISIBLE_DEVICES"]),
        (.gpu(1), 1, "--device", ["no cuda:1: one GPU is visible", "give cuda:0, or cpu"]),
        (.gpu(9), 4, "--device", ["no cuda:9: 4 GPUs are visible", "one of cuda:0 to cuda:3"]),
    ] as [(ComputeChoice.Kind, Int, String, [String])])
    func aGPUThatIsNotThereIsNamedWithWhatToDo(
        kind: ComputeChoice.Kind, visible: Int, key: String, expected: [String]
    ) {
        let error = #expect(throws: UserError.self) { try ComputeChoice(kind).place(at: key, visible: visible) }
        for part in expected { #expect(error?.description.contains(part) == true, "\(error?.description ?? "")") }
    }
}
