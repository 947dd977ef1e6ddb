import FoundationEssentials
import MoltCore
import MoltData
import MoltTesting
import Testing

/// Blends: the proportions that were asked for, in an order that stops, ranks and restarts do not change.
struct BlendTests {
    private let folder = TemporaryFolder("blend")
    /// Nemotron-H's second phase, of arXiv 2504.03624.
    private static let weights = [40.7, 20, 14, 12, 7, 3.7, 1.7]

    private func loader(
        _ schedule: BlendSchedule, sources: Int, lengths: [Int] = [40, 90, 17]
    ) throws -> BlendedLoader {
        var loaders: [SampleLoader] = []
        for source in 0..<sources {
            let path = folder("\(source).jsonl")
            let lines = (0..<lengths[source % lengths.count]).map { #"{"text": "\#(source): \#($0)"}"# }
            try DurableFile.write(Data(lines.joined(separator: "\n").utf8), to: path)
            loaders.append(
                SampleLoader(
                    corpus: try Corpus(files: [path], tokenizer: ByteTokenizer()), sequenceLength: 24,
                    packing: .runOn, seed: UInt64(source)))
        }
        return try BlendedLoader(loaders, schedule: schedule)
    }

    @Test(arguments: [1, 100, 65_536, 65_537, 200_000])
    func everySourceIsWithinASequenceOfItsDue(count: Int) {
        let schedule = BlendSchedule([.init(end: nil, weights: Self.weights)])
        var counts = Self.weights.map { _ in 0 }
        for sequence in 0..<count {
            let turn = schedule.turn(sequence)
            #expect(turn.number == counts[turn.source])
            counts[turn.source] += 1
        }
        let total = Self.weights.reduce(0, +)
        for (realised, weight) in zip(counts, Self.weights) {
            // One sequence, and what rounding the weights to whole shares of 65,536 turns adds.
            let due = Double(count) * weight / total
            #expect(abs(Double(realised) - due) < 1.5 + Double(count) / 65_536, "\(counts)")
        }
    }

    @Test func phasesChangeTheProportionsWhereTheyEnd() {
        let schedule = BlendSchedule([
            .init(end: 600, weights: [3, 1, 0]), .init(end: 800, weights: [1, 1, 0]),
            .init(end: nil, weights: [0, 1, 4]),
        ])
        func shares(_ range: Range<Int>) -> [Int] {
            range.reduce(into: [0, 0, 0]) { $0[schedule.turn($1).source] += 1 }
        }
        #expect(shares(0..<600) == [450, 150, 0])
        #expect(shares(600..<800) == [100, 100, 0])
        #expect(shares(800..<1000) == [0, 40, 160])
        // Every source goes on where it was in the phase before.
        for source in 0..<3 {
            let own = (0..<1000).map(schedule.turn).filter { $0.source == source }.map(\.number)
            #expect(own == Array(0..<own.count))
        }
    }

    /// The batches of a run whose position was saved and read after each, with these numbers of ranks.
    private func stream(_ loader: BlendedLoader, ranks: [Int]) throws -> [TokenBatch] {
        var position = DataPosition(), batches: [TokenBatch] = []
        for count in ranks {
            position = try JSONDecoder().decode(DataPosition.self, from: JSONFile.encode(position))
            let (samples, next) = loader.take(8, from: position)
            for rank in 0..<count {
                let shares = try BatchShares(globalBatch: 8, microBatch: 1, rank: rank, ranks: count)
                for micro in shares.microBatches(samples) { batches.append(try loader.batch(micro)) }
            }
            position = next
        }
        return batches
    }

    @Test(arguments: [[2, 2, 2, 2, 2, 2, 2, 2], [1, 2, 4, 8, 2, 1, 8, 4]])
    func aRestartWithOtherRanksSeesTheSameSequences(ranks: [Int]) throws {
        let schedule = BlendSchedule([.init(end: 20, weights: [5, 2, 1]), .init(end: nil, weights: [1, 0, 3])])
        let whole = try stream(loader(schedule, sources: 3), ranks: Array(repeating: 1, count: ranks.count))
        #expect(try stream(loader(schedule, sources: 3), ranks: ranks) == whole)
        // From a position in the middle, with loaders that have served nothing before.
        let fresh = try loader(schedule, sources: 3)
        for sequence in [37, 20, 63, 3] {
            #expect(try fresh.batch([DataPosition(sample: sequence)]) == whole[sequence])
        }
        #expect(whole.count == 64)
    }

    @Test func theTokensOfASequenceAreItsSources() throws {
        let schedule = BlendSchedule([.init(end: nil, weights: [1, 2])])
        let loader = try loader(schedule, sources: 2)
        var seen: Set<DataPosition> = []
        for sequence in 0..<200 {
            let place = loader.place(DataPosition(sample: sequence))
            let batch = try loader.batch([DataPosition(sample: sequence)])
            let text = String(decoding: ByteTokenizer().decode(batch.tokens.map { Int32($0) }), as: UTF8.self)
            #expect(text.contains("\(place.source): "), "\(text)")
            #expect(loader.targetCount(of: [DataPosition(sample: sequence)]) == batch.targetCount)
            if place.source == 0 { #expect(seen.insert(place.sample).inserted) }
        }
        #expect(seen.map(\.epoch).max() ?? 0 > 1, "small sources begin anew")
    }

    @Test func theFingerprintKnowsWeightsAndPhases() throws {
        let schedules = [
            BlendSchedule([.init(end: nil, weights: [1, 2])]), BlendSchedule([.init(end: nil, weights: [2, 1])]),
            BlendSchedule([.init(end: 4, weights: [1, 2]), .init(end: nil, weights: [1, 2])]),
            BlendSchedule([.init(end: 5, weights: [1, 2]), .init(end: nil, weights: [1, 2])]),
        ]
        let prints = try schedules.map { try loader($0, sources: 2).fingerprint }
        #expect(Set(prints).count == 4)
        #expect(try loader(schedules[0], sources: 2).fingerprint == prints[0])
    }
}
