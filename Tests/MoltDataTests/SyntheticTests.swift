import MoltCore
import MoltData
import Testing

/// Made sequences: what they claim is so, and a position means the same sequence every time.
struct SyntheticTests {
    private static let recall = RecallTask(pairs: 3...9, keys: 12, values: 5, queries: 14)

    private static func samples(
        _ task: any SyntheticTask, length: Int, seed: UInt64 = 4, perEpoch: Int = 50
    ) throws -> SyntheticSamples {
        try SyntheticSamples(task, sequenceLength: length, tokenizer: ByteTokenizer(), seed: seed, perEpoch: perEpoch)
    }

    @Test func everyAnswerOfARecallIsTheValueThatStoodWithItsKey() throws {
        let source = try Self.samples(Self.recall, length: 45)
        var counts: Set<Int> = []
        for position in source.take(200, from: DataPosition()).samples {
            let sample = try source.sample(position), pairs = (sample.tokens.count - 28) / 2
            var book: [Int32: Int32] = [:]
            for pair in 0..<pairs { book[sample.tokens[2 * pair]] = sample.tokens[2 * pair + 1] }
            #expect(book.count == pairs, "keys differ")
            #expect(book.keys.allSatisfy { (0..<12).contains($0) } && book.values.allSatisfy { (12..<17).contains($0) })
            #expect(sample.answers.count == 14)
            for answer in sample.answers {
                #expect(sample.tokens[answer.lowerBound] == book[sample.tokens[answer.lowerBound - 1]])
            }
            // All keys are asked for before one is asked for again.
            #expect(Set(sample.answers.prefix(pairs).map { sample.tokens[$0.lowerBound - 1] }).count == pairs)
            counts.insert(pairs)
        }
        #expect(counts == Set(3...9))
    }

    @Test(arguments: [false, true])
    func thePhoneBookHasTheNumbersThatAreAskedFor(_ asksFirst: Bool) throws {
        let task = PhoneBookTask(entries: 2...5, asksFirst: asksFirst, tokenizer: ByteTokenizer())
        var generator = SeededGenerator(3)
        for _ in 0..<50 {
            let (parts, asked) = task.text(&generator)
            let text = parts.map(\.text).joined()
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).drop { !$0.contains(":") }
            let book = lines.prefix { !$0.isEmpty }, rest = lines.dropFirst(book.count).filter { !$0.isEmpty }
            #expect((2...5).contains(book.count))
            #expect(rest.count == 3)
            #expect(rest.allSatisfy(book.contains))
            // What has been answered once would only have to be copied.
            #expect(Set(rest).count == min(3, book.count))
            #expect(rest.last?.hasSuffix(": \(asked)") == true)
            #expect(asked.count == 10 && ("6"..."9").contains(asked.prefix(1)))
            #expect(asksFirst == !text.prefix(20).contains(":") || !asksFirst)
            #expect(text.utf8.count + 1 <= task.lengthMax)
        }
        let sample = try task.sample(&generator)
        #expect(sample.answers.map { ByteTokenizer().decode(sample.tokens[$0]).count } == [12, 12, 12])
    }

    @Test func aBatchHasTheAnswersAsItsOnlyTargets() throws {
        let source = try Self.samples(Self.recall, length: 50)
        let (positions, _) = source.take(6, from: DataPosition())
        let batch = try source.batch(positions)
        #expect(try batch.targetCount == source.targetCount(of: positions))
        #expect(batch.targetCount == 6 * 14)
        for (row, position) in positions.enumerated() {
            let sample = try source.sample(position)
            for index in 0..<50 {
                let target = batch.targets[row * 50 + index], isText = index < sample.tokens.count - 1
                let isAnswer = sample.answers.contains { $0.contains(index + 1) }
                #expect(target == (isAnswer ? Int64(sample.tokens[index + 1]) : TokenBatch.ignored))
                #expect(batch.tokens[row * 50 + index] == (isText ? Int64(sample.tokens[index]) : 258))
                #expect(batch.sequenceIndex[row * 50 + index] == (isText ? 0 : 1))
            }
        }
    }

    @Test func aPositionIsTheSameSequenceEveryTimeAndEpochsDiffer() throws {
        let source = try Self.samples(Self.recall, length: 45), again = try Self.samples(Self.recall, length: 45)
        let (positions, next) = source.take(120, from: DataPosition())
        #expect(next == DataPosition(epoch: 2, sample: 20))
        #expect(Set(positions).count == 120)
        #expect(try positions.map(source.sample) == positions.reversed().map(again.sample).reversed())
        #expect(try Set(positions.map { try source.sample($0).tokens }).count == 120)
        let other = try Self.samples(Self.recall, length: 45, seed: 5)
        #expect(try source.sample(positions[0]) != other.sample(positions[0]))
        #expect(source.fingerprint != other.fingerprint)
    }

    @Test func sequencesThatDoNotFitAreRefusedWithTheLengthTheyNeed() {
        let error = #expect(throws: UserError.self) { try Self.samples(Self.recall, length: 44) }
        #expect(error?.description.contains("raise it to 45") == true)
    }
}
