import MoltModels
import MoltNN
import MoltTensor
import Testing

struct PackingTests {
    @Test(arguments: ["M-*M-", "MM", "*-", "M*M*"])
    func packedDocumentsEqualSeparateOnes(_ pattern: String) throws {
        let model = try TinyModels.synthetic(TinyModels.nemotronH(pattern))
        let lengths = [5, 1, 19, 2, 40]
        let tokens = try TinyModels.tokens("packed", 1, lengths.reduce(0, +))
        let index = lengths.enumerated().flatMap { [Int32](repeating: Int32($0), count: $1) }
        let packed = try model.hidden(tokens, sequenceIndex: Tensor(index, shape: [1, index.count]))
        var start = 0
        for length in lengths {
            let alone = try model.hidden(tokens.narrow(1, from: start, length: length))
            let difference = try maximumDifference(packed.narrow(1, from: start, length: length), alone)
            #expect(difference <= 5e-6, "the document at \(start) differs by \(difference)")
            start += length
        }
    }

    @Test func withoutAnIndexDocumentsWouldMix() throws {
        let model = try TinyModels.synthetic(TinyModels.nemotronH())
        let tokens = try TinyModels.tokens("packed", 1, 24)
        let mixed = try model.hidden(tokens).narrow(1, from: 5, length: 19)
        #expect(try maximumDifference(mixed, model.hidden(tokens.narrow(1, from: 5, length: 19))) > 1e-2)
    }

    @Test func gradientsOfPackedDocumentsEqualSeparateOnes() throws {
        let tokens = try TinyModels.tokens("packed", 1, 24), targets = try TinyModels.tokens("targets", 1, 24)
        let index = [Int32](repeating: 0, count: 7) + [Int32](repeating: 1, count: 17)
        let packed = try TinyModels.synthetic(TinyModels.nemotronH())
        try packed.lossSum(tokens, targets: targets, sequenceIndex: Tensor(index, shape: [1, 24])).backward()
        let separate = try TinyModels.synthetic(TinyModels.nemotronH())
        for (start, count) in [(0, 7), (7, 17)] {
            let part = try tokens.narrow(1, from: start, length: count)
            try separate.lossSum(part, targets: targets.narrow(1, from: start, length: count)).backward()
        }
        for (ours, theirs) in zip(packed.registry.parameters, separate.registry.parameters) {
            let a = try #require(ours.value.grad), b = try #require(theirs.value.grad)
            let difference = try maximumDifference(a, b)
            let scale = try max(1, b.abs().max().item())
            #expect(difference <= 2e-5 * scale, "\(ours.name) differs by \(difference)")
        }
    }
}
