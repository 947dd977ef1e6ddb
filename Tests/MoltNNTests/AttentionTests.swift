import MoltNN
import MoltTensor
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Attention against its definition in plain Swift: every score, softmax and sum written out.
struct AttentionTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        var window: Int?
        var softcap: Double?
        var scale: Double?
        var rotary: Rotary?
        var documents: [Int32]?
        var testDescription: String { name }
    }

    static let length = 23
    static let cases = [
        Case(name: "all"), Case(name: "window", window: 4), Case(name: "window of one", window: 1),
        Case(name: "wide window", window: 12), Case(name: "window as long", window: 23),
        Case(name: "softcap", softcap: 0.5), Case(name: "softcap in a window", window: 5, softcap: 2),
        Case(name: "scale", scale: 0.1), Case(name: "rotary", rotary: Rotary(turned: 6, base: 10000)),
        Case(name: "half rotary, stretched", rotary: Rotary(turned: 4, base: 100, stretch: 2)),
        Case(
            name: "documents in a window", window: 3, rotary: Rotary(turned: 6, base: 50),
            documents: [Int32](repeating: 4, count: 9) + [Int32](repeating: 5, count: 14)),
    ]

    private func build(_ example: Case) throws -> Attention {
        var sizes = Attention.Sizes(width: 10, heads: 4, keyValueHeads: 2, headSize: 6)
        sizes.window = example.window
        sizes.softcap = example.softcap
        sizes.scale = example.scale
        sizes.rotary = example.rotary
        return try Attention(ParameterRegistry(dtype: .float64).root / "attention", sizes)
    }

    private func weights(_ attention: Attention, _ name: String) throws -> [[Double]] {
        let parameter = try #require(attention.output.scope.registry["attention.\(name).weight"])
        let values = try parameter.value.array(of: Double.self), inputs = parameter.shape[1]
        return (0..<parameter.shape[0]).map { Array(values[($0 * inputs)..<(($0 + 1) * inputs)]) }
    }

    private func expected(_ example: Case, _ attention: Attention, _ x: [[Double]]) throws -> [[Double]] {
        func times(_ matrix: [[Double]], _ rows: [[Double]]) -> [[Double]] {
            rows.map { row in matrix.map { zip($0, row).reduce(0) { $0 + $1.0 * $1.1 } } }
        }
        let q = times(try weights(attention, "q_proj"), x), k = times(try weights(attention, "k_proj"), x)
        let v = times(try weights(attention, "v_proj"), x)
        let documents = example.documents ?? [Int32](repeating: 0, count: x.count)
        func turned(_ row: [Double], at place: Int) -> [Double] {
            guard let rotary = example.rotary else { return row }
            let position = Double(place - documents.prefix(place).count { $0 != documents[place] }) / rotary.stretch
            var result = row
            let half = rotary.turned / 2
            for i in 0..<half {
                let angle = position * pow(rotary.base, -Double(2 * i) / Double(rotary.turned))
                result[i] = row[i] * cos(angle) - row[i + half] * sin(angle)
                result[i + half] = row[i + half] * cos(angle) + row[i] * sin(angle)
            }
            return result
        }
        let scale = example.scale ?? 1 / 6.0.squareRoot()
        let mixed = (0..<x.count).map { t -> [Double] in
            (0..<4).flatMap { head -> [Double] in
                let query = turned(Array(q[t][(head * 6)..<(head * 6 + 6)]), at: t)
                let group = (head / 2) * 6
                let first = max(0, t - (example.window ?? x.count) + 1)
                let seen = (first...t).filter { documents[$0] == documents[t] }
                let scores = seen.map { place -> Double in
                    let key = turned(Array(k[place][group..<(group + 6)]), at: place)
                    let score = zip(query, key).reduce(0) { $0 + $1.0 * $1.1 } * scale
                    return example.softcap.map { $0 * tanh(score / $0) } ?? score
                }
                let shares = scores.map { exp($0) }, total = shares.reduce(0, +)
                return (0..<6).map { channel in
                    zip(seen, shares).reduce(0) { $0 + v[$1.0][group + channel] * $1.1 } / total
                }
            }
        }
        return times(try weights(attention, "o_proj"), mixed)
    }

    @Test(arguments: cases)
    func attentionFollowsItsDefinition(_ example: Case) throws {
        let attention = try build(example)
        let values = SyntheticNumbers.uniform("x", Self.length * 10)
        let x = (0..<Self.length).map { Array(values[($0 * 10)..<($0 * 10 + 10)]) }
        let documents = try example.documents.map { try Tensor($0, shape: [1, Self.length]) }
        let context = try SequenceContext(count: Self.length, documents: documents, on: .cpu)
        let ours = try attention(Tensor(values, shape: [1, Self.length, 10]), context)
        let truth = try expected(example, attention, x)
        #expect(try (ours - Tensor(truth.flatMap(\.self), shape: [1, Self.length, 10])).abs().max().item() <= 1e-12)
    }

    @Test(arguments: cases)
    func aSequenceInPiecesIsTheSequence(_ example: Case) throws {
        let attention = try build(example)
        let x = try Tensor(SyntheticNumbers.uniform("x", Self.length * 10), shape: [1, Self.length, 10])
        let documents = try example.documents.map { try Tensor($0, shape: [1, Self.length]) }
        let whole = try attention(x, SequenceContext(count: Self.length, documents: documents, on: .cpu))
        let cache = attention.freshCache()
        var pieces: [Tensor] = [], start = 0
        for count in [3, 1, 1, 11, 1, 1, 1, 4] {
            let context = try SequenceContext(
                count: count, past: start, documents: documents?.narrow(1, from: 0, length: start + count), on: .cpu)
            pieces.append(try attention(x.narrow(1, from: start, length: count), context, cache: cache))
            start += count
        }
        #expect(start == Self.length)
        #expect(try (Tensor.cat(pieces, dim: 1) - whole).abs().max().item() <= 1e-12)
    }

    @Test func aWindowKeepsNoMoreThanTwiceItself() throws {
        let attention = try build(Case(name: "window", window: 4))
        let cache = attention.freshCache()
        for step in 0..<200 {
            let x = try Tensor(SyntheticNumbers.uniform("\(step)", 10), shape: [1, 1, 10])
            _ = try attention(x, SequenceContext(count: 1, past: step, on: .cpu), cache: cache)
            #expect(cache.length <= 8)
        }
    }

    @Test func longerBasesTurnTheSlowestAngleLess() {
        let base = Rotary.longerBase(10_000, by: 8, turned: 64)
        let slowest = pow(10_000, -62.0 / 64), longer = pow(base, -62.0 / 64)
        #expect(abs(slowest / longer - 8) <= 1e-9)
    }
}
