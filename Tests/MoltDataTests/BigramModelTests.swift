import FoundationEssentials
import MoltCore
import MoltData
import MoltTesting
import Testing

struct BigramModelTests {
    private let folder = TemporaryFolder("bigram")

    private func corpus(_ name: String, _ text: String) throws -> Corpus {
        try DurableFile.write(Data(text.utf8), to: folder(name))
        return try Corpus(files: [folder(name)], tokenizer: ByteTokenizer())
    }

    @Test func aTextThatItsPairsDetermineCostsNearlyNothing() throws {
        let train = try corpus("a", String(repeating: "abcd", count: 5000))
        let (loss, targets) = try BigramModel(fittedTo: train).loss(on: train)
        #expect(targets == 20_001)
        #expect(loss < 0.01)
    }

    @Test func independentUniformLettersCostTheLogarithmOfTheirNumber() throws {
        var generator = SeededGenerator(5)
        func text() -> String { String((0..<60_000).map { _ in "abcdefgh".randomLetter(&generator) }) }
        let train = try corpus("a", text()), held = try corpus("b", text())
        let (loss, _) = try BigramModel(fittedTo: train).loss(on: held)
        #expect(abs(loss - 2.0794) < 0.005)
    }

    @Test func bytesNeverSeenStillHaveAProbability() throws {
        let train = try corpus("a", "aaaa"), held = try corpus("b", "zzzz")
        let (loss, _) = try BigramModel(fittedTo: train).loss(on: held)
        #expect(loss.isFinite)
    }
}

extension String {
    fileprivate func randomLetter(_ generator: inout SeededGenerator) -> Character {
        let letters = Array(self)
        return letters[Int(generator.below(UInt64(letters.count)))]
    }
}
