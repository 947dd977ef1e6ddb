extension NumericsRecord {
    /// How much faster oneDNN must be before it is chosen, so that noise does not choose.
    private static let margin = 1.1
    /// Rows, inputs and outputs of the layers that are timed: what small models have, small enough to take no time.
    private static let shapes = [(rows: 512, inputs: 512, outputs: 1024), (rows: 512, inputs: 1024, outputs: 512)]
    private static let repetitions = 9

    /// Times both libraries on this machine and records the faster one for each product. Rank 0 does this once a run.
    package static func measure(threads: Int, autocast: DType? = nil) throws(TorchError) -> NumericsRecord {
        try Torch.setThreads(threads)
        let before = current().matmul
        defer { before.apply() }
        let (mkl, onednn) = try measureProducts()
        var record = current(autocast: autocast)
        let choose = { (mkl: Double, onednn: Double) -> Library in mkl > onednn * margin ? .onednn : .mkl }
        record.matmul = Matmul(
            forward: choose(mkl.forward, onednn.forward),
            inputGradient: choose(mkl.inputGradient, onednn.inputGradient),
            weightGradient: choose(mkl.weightGradient, onednn.weightGradient))
        return record
    }

    /// Seconds that each product takes.
    package struct Timing: Sendable {
        package var forward = 0.0
        package var inputGradient = 0.0
        package var weightGradient = 0.0
    }

    /// The medians of both libraries, their runs interleaved so that what else runs here disturbs both alike.
    package static func measureProducts() throws(TorchError) -> (mkl: Timing, onednn: Timing) {
        let state = try RandomState.save()
        var mkl = Timing()
        var onednn = Timing()
        for shape in shapes {
            let layer = try Layer(shape)
            var samples: [[Double]] = .init(repeating: [], count: 6)
            for repetition in 0...repetitions {
                for (offset, library) in [(0, Library.mkl), (3, Library.onednn)] {
                    let timing = try layer.time(library)
                    // The first run pays for what both libraries prepare.
                    guard repetition > 0 else { continue }
                    samples[offset].append(timing.forward)
                    samples[offset + 1].append(timing.inputGradient)
                    samples[offset + 2].append(timing.weightGradient)
                }
            }
            let medians = samples.map { $0.sorted()[$0.count / 2] }
            mkl.forward += medians[0]
            mkl.inputGradient += medians[1]
            mkl.weightGradient += medians[2]
            onednn.forward += medians[3]
            onednn.inputGradient += medians[4]
            onednn.weightGradient += medians[5]
        }
        try RandomState.restore(state)
        return (mkl, onednn)
    }

    /// A linear layer to be timed.
    private struct Layer {
        let input: Tensor
        let weight: Tensor
        let gradient: Tensor

        init(_ shape: (rows: Int, inputs: Int, outputs: Int)) throws(TorchError) {
            input = try Tensor.randn([shape.rows, shape.inputs]).requiresGrad_()
            weight = try Tensor.randn([shape.outputs, shape.inputs]).requiresGrad_()
            gradient = try Tensor.randn([shape.rows, shape.outputs])
        }

        func time(_ library: Library) throws(TorchError) -> Timing {
            Matmul(library).apply()
            let clock = ContinuousClock()
            let start = clock.now
            // Two graphs, since asking one for two gradients in turn would form products twice.
            let frozenWeight = try input.linear(weight.detach())
            let afterForward = clock.now
            let frozenInput = try input.detach().linear(weight)
            let beforeInput = clock.now
            _ = try Tensor.gradients(of: [frozenWeight], weights: [gradient], withRespectTo: [input])
            let afterInput = clock.now
            _ = try Tensor.gradients(of: [frozenInput], weights: [gradient], withRespectTo: [weight])
            let end = clock.now
            return Timing(
                forward: (afterForward - start).inSeconds, inputGradient: (afterInput - beforeInput).inSeconds,
                weightGradient: (end - afterInput).inSeconds)
        }
    }
}

extension Duration {
    fileprivate var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
