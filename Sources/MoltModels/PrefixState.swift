import MoltNN
import MoltTensor

/// What a recurrent layer remembers before every document: the counterpart of a prefix of keys and values. Fresh ones
/// are zero, which is what the layer has without.
///
/// | parameter | shape | first values | decay |
/// |---|---|---|---|
/// | prefix_state | of Mamba-2 [h, p, n]; that of one sequence's state in every layer | 0 | yes |
/// | prefix_tail | [channels, K − 1]: the convolution's last inputs | 0 | yes |
package final class PrefixState {
    /// Shapes of one sequence's memory.
    struct Shapes {
        var state: [Int]
        var tail: [Int]?
    }

    private let state: Parameter
    private let tail: Parameter?

    init(_ scope: ParameterScope, _ shapes: Shapes) throws(TorchError) {
        state = try scope.parameter("prefix_state", shapes.state, .zeros)
        tail = try shapes.tail.map { shape throws(TorchError) in try scope.parameter("prefix_tail", shape, .zeros) }
    }

    /// Runs `mixer` on x [b, s, d], each document from this state; the first of a row continues `memory` where that is
    /// not empty, and the last leaves its own there.
    func callAsFunction(
        _ x: Tensor, _ context: SequenceContext, _ memory: RecurrentState?,
        _ mixer: (Tensor, SequenceContext, RecurrentState) throws(TorchError) -> Tensor
    ) throws(TorchError) -> Tensor {
        let isContinued = memory.map { $0.state != nil || $0.tail != nil } ?? false
        guard let rows = try context.segments() else {
            let own = isContinued ? memory ?? RecurrentState() : try fresh(batch: x.size(0))
            let y = try mixer(x, SequenceContext(count: x.size(1), on: x.device), own)
            memory?.advance(tail: own.tail, state: own.state)
            return y
        }
        var outputs: [Tensor] = [], last: [RecurrentState] = []
        for (row, segments) in rows.enumerated() {
            let x_1sd = try x.narrow(0, from: row, length: 1)
            var parts: [Tensor] = [], own = RecurrentState()
            for segment in segments {
                own = try segment.lowerBound == 0 && isContinued
                    ? memory?.row(row) ?? RecurrentState() : fresh(batch: 1)
                let part = try x_1sd.narrow(1, from: segment.lowerBound, length: segment.count)
                parts.append(try mixer(part, SequenceContext(count: segment.count, on: x.device), own))
            }
            outputs.append(try Tensor.cat(parts, dim: 1))
            last.append(own)
        }
        try memory?.take(last)
        return try Tensor.cat(outputs)
    }

    private func fresh(batch: Int) throws(TorchError) -> RecurrentState {
        func wide(_ parameter: Parameter) throws(TorchError) -> Tensor {
            try parameter.value.unsqueeze(0).expand([batch] + parameter.shape)
        }
        let memory = RecurrentState()
        memory.advance(tail: try tail.map(wide), state: try wide(state))
        return memory
    }
}

extension RecurrentState {
    /// That of one sequence of a batch.
    fileprivate func row(_ index: Int) throws(TorchError) -> RecurrentState {
        func narrow(_ tensor: Tensor) throws(TorchError) -> Tensor { try tensor.narrow(0, from: index, length: 1) }
        let memory = RecurrentState()
        memory.advance(tail: try tail.map(narrow), state: try state.map(narrow))
        return memory
    }

    /// Becomes that of all rows.
    fileprivate func take(_ rows: [RecurrentState]) throws(TorchError) {
        func joined(_ parts: [Tensor]) throws(TorchError) -> Tensor? {
            parts.count == rows.count ? try Tensor.cat(parts) : nil
        }
        advance(tail: try joined(rows.compactMap(\.tail)), state: try joined(rows.compactMap(\.state)))
    }
}
