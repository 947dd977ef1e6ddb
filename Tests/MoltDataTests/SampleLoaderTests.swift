import FoundationEssentials
import MoltCore
import MoltData
import MoltTesting
import Testing

/// The loader: batches hold the documents' own tokens, and their order knows nothing of ranks.
struct SampleLoaderTests {
    private let folder = TemporaryFolder("loader")

    private func loader(
        _ texts: [String], length: Int, packing: Bool = true, seed: UInt64? = 3, lines: Bool = false
    ) throws -> SampleLoader {
        var paths: [String] = []
        if lines {
            paths = [folder("a.jsonl")]
            try DurableFile.write(Data(texts.joined(separator: "\n").utf8), to: paths[0])
        } else {
            for (index, text) in texts.enumerated() {
                paths.append(folder("\(index).txt"))
                try DurableFile.write(Data(text.utf8), to: paths[index])
            }
        }
        let corpus = try Corpus(files: paths, tokenizer: ByteTokenizer())
        return SampleLoader(corpus: corpus, sequenceLength: length, packing: packing ? .runOn : .none, seed: seed)
    }

    @Test func aBatchHoldsTokensTargetsAndDocumentNumbers() throws {
        let loader = try loader(["ab", "c"], length: 5, seed: nil)
        let (samples, next) = loader.take(2, from: DataPosition())
        #expect(next == DataPosition(epoch: 0, sample: 2))
        let batch = try loader.batch(samples)
        #expect(batch.tokens == [256, 97, 98, 257, 256, 99, 257, 258, 258, 258])
        #expect(batch.targets == [97, 98, 257, -100, 99, 257, -100, -100, -100, -100])
        #expect(batch.sequenceIndex == [0, 0, 0, 0, 1, 0, 0, 1, 1, 1])
        #expect(batch.targetCount == 5)
    }

    @Test func onlyCompletionsAreTargets() throws {
        let loader = try loader(
            [#"{"prompt": "ab", "completion": "c"}"#, #"{"prompt": "", "completion": "d"}"#], length: 9, seed: nil,
            lines: true)
        let batch = try loader.batch([DataPosition()])
        #expect(batch.tokens == [256, 97, 98, 99, 257, 256, 100, 257, 258])
        #expect(batch.targets == [-100, -100, 99, 257, -100, 100, 257, -100, -100])
    }

    @Test(arguments: [3, 8, 64])
    func countsWithoutReadingEqualTheBatches(length: Int) throws {
        let loader = try loader(["the quick brown fox", "jumps", "over the lazy dog, twice"], length: length)
        let (samples, _) = loader.take(40, from: DataPosition())
        for sample in samples {
            #expect(loader.targetCount(of: [sample]) == (try loader.batch([sample]).targetCount))
        }
        #expect(loader.targetCount(of: samples) > 0)
    }

    @Test func everyTargetIsTheTokenThatFollowsInItsDocument() throws {
        let loader = try loader(["abcdefghijklmnop", "qrstuvwxyz"], length: 4)
        let follows = Dictionary(uniqueKeysWithValues: (97..<122).map { (Int64($0), Int64($0 + 1)) })
        let (samples, _) = loader.take(loader.sampleCount(), from: DataPosition())
        let batch = try loader.batch(samples)
        for (token, target) in zip(batch.tokens, batch.targets) where target != TokenBatch.ignored && target < 256 {
            #expect(token == 256 ? [97, 113].contains(target) : follows[token] == target)
        }
    }

    /// What a run sees in its first batches with this many ranks; a position saved in the middle is carried on.
    private func stream(_ loader: SampleLoader, ranks: [Int], globalBatch: Int) throws -> [[DataPosition]] {
        var position = DataPosition(), batches: [[DataPosition]] = []
        for count in ranks {
            let saved = try JSONFile.encode(position)
            position = try JSONDecoder().decode(DataPosition.self, from: saved)
            let (samples, next) = loader.take(globalBatch, from: position)
            var seen: [DataPosition] = []
            for rank in 0..<count {
                let shares = try BatchShares(globalBatch: globalBatch, microBatch: 3, rank: rank, ranks: count)
                for micro in shares.microBatches(samples) {
                    #expect(micro.count <= 3)
                    seen += micro
                }
            }
            batches.append(seen)
            position = next
        }
        return batches
    }

    @Test(arguments: [[1, 1, 1, 1, 1, 1], [2, 2, 2, 2, 2, 2], [1, 2, 4, 8, 2, 1]])
    func theOrderSurvivesAChangeInTheNumberOfRanks(ranks: [Int]) throws {
        let loader = try loader(["one two three", "four five", "six"], length: 2)
        let one = try stream(loader, ranks: Array(repeating: 1, count: ranks.count), globalBatch: 8)
        #expect(try stream(loader, ranks: ranks, globalBatch: 8) == one)
        #expect(one.flatMap(\.self).contains { $0.epoch > 0 })
        #expect(Set(one.flatMap(\.self)).count == one.flatMap(\.self).count)
    }

    @Test func theFingerprintIsThatOfTheOrderAndNotOfTheFolder() throws {
        let texts = ["one two three", "four"]
        let known = try loader(texts, length: 4).fingerprint
        #expect(try loader(texts, length: 4).fingerprint == known)
        var others = try [
            loader(texts, length: 5), loader(texts, length: 4, packing: false), loader(texts, length: 4, seed: 4),
            loader(texts, length: 4, seed: nil), loader(["one two three", "fives"], length: 4),
        ].map(\.fingerprint)
        others.append(known)
        #expect(Set(others).count == 6)
        let elsewhere = SampleLoaderTests()
        #expect(elsewhere.folder.path != folder.path)
        #expect(try elsewhere.loader(texts, length: 4).fingerprint == known)
    }

    @Test func aBatchThatCannotBeSharedEvenlyIsAUserError() {
        #expect(throws: UserError.self) { try BatchShares(globalBatch: 6, microBatch: 1, rank: 0, ranks: 4) }
        #expect(throws: UserError.self) { try BatchShares(globalBatch: 0, microBatch: 1, rank: 0, ranks: 1) }
    }

    @Test(arguments: [1, 2, 4])
    func validationSamplesAreSharedWithoutLossOrOverlap(ranks: Int) throws {
        let loader = try loader(["one two three four five"], length: 2, seed: nil)
        let (samples, _) = loader.take(loader.sampleCount(), from: DataPosition())
        var seen: [DataPosition] = [], counts: Set<Int> = []
        for rank in 0..<ranks {
            let shares = try BatchShares(globalBatch: 4, microBatch: 2, rank: rank, ranks: ranks)
            let batches = shares.validationBatches(samples)
            seen += batches.flatMap(\.self)
            counts.insert(batches.count)
        }
        #expect(counts.count == 1)
        #expect(seen.count == samples.count)
        #expect(Set(seen) == Set(samples))
    }
}
