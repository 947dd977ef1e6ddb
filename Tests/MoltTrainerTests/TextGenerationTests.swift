import FoundationEssentials
import MoltCore
import MoltData
import MoltModels
import MoltNN
import MoltRecipe
import MoltTesting
import MoltTrainer
import Testing

/// Text as it is shown: stop strings, characters and tokenizers that cut where they like.
struct TextPiecesTests {
    /// What comes out of `feed` for a text cut into pieces, and at its end.
    private static func shown(_ text: [UInt8], cuts: [Int], _ stops: [String]) -> (text: [UInt8], found: [UInt8]?) {
        var matcher = StopMatcher(stops.map { Array($0.utf8) }), out: [UInt8] = [], start = 0
        for cut in cuts + [text.count] {
            out += matcher.feed(Array(text[start..<cut]))
            start = cut
        }
        return (out + matcher.rest(), matcher.found)
    }

    struct Case: Sendable {
        var text: String
        var stops: [String]
        var shown: String
        var found: String?
    }

    @Test(
        arguments: [
            Case(text: "one\n\ntwo", stops: ["\n\n"], shown: "one", found: "\n\n"),
            Case(text: "aababaabac", stops: ["abac"], shown: "aababa", found: "abac"),
            Case(text: "xaaab", stops: ["aab", "ab"], shown: "xa", found: "aab"),
            Case(text: "the end", stops: ["ending", "endi"], shown: "the end", found: nil),
            Case(text: "ab", stops: ["b", "ab"], shown: "", found: "ab"),
            Case(text: "ï café", stops: ["é"], shown: "ï caf", found: "é"),
            Case(text: "nothing", stops: ["", "z"], shown: "nothing", found: nil),
        ])
    func aStopStringIsFoundHoweverTheTextIsCut(_ test: Case) {
        let text = Array(test.text.utf8)
        for mask in 0..<(1 << (text.count - 1)) {
            let cuts = (1..<text.count).filter { mask >> ($0 - 1) & 1 == 1 }
            let result = Self.shown(text, cuts: cuts, test.stops)
            #expect(String(decoding: result.text, as: UTF8.self) == test.shown, "cut at \(cuts)")
            #expect(result.found == test.found.map { Array($0.utf8) }, "cut at \(cuts)")
        }
    }

    @Test func nothingIsHeldBackThatCannotBecomeAStopString() {
        var matcher = StopMatcher([Array("<end>".utf8)])
        #expect(matcher.feed(Array("a<e".utf8)) == Array("a".utf8))
        #expect(matcher.feed(Array("x<".utf8)) == Array("<ex".utf8))
        #expect(matcher.rest() == Array("<".utf8))
    }

    @Test func charactersAreShownWhole() {
        let text = Array("aé€😀b".utf8)
        for mask in 0..<(1 << (text.count - 1)) {
            var pieces = UTF8Pieces(), all: [UInt8] = []
            for (index, byte) in text.enumerated() {
                let isCut = index == text.count - 1 || mask >> index & 1 == 1
                all.append(byte)
                guard isCut else { continue }
                let shown = pieces.feed(all)
                #expect(String(validating: shown, as: UTF8.self) != nil, "\(shown)")
                all = []
            }
            #expect(pieces.rest().isEmpty)
        }
    }

    @Test(
        arguments: [
            [0xFF, 0x41], [0xC3, 0x41], [0xE2, 0x82, 0x41], [0x80, 0x80], [0xF0, 0x9F, 0x98], [0xC0, 0xAF],
            [0xED, 0xA0], [0xF5, 0x80, 0x80], [0xE0, 0x80, 0x80],
        ] as [[UInt8]])
    func bytesThatAreNoUTF8PassAsTheyAre(_ bytes: [UInt8]) {
        var pieces = UTF8Pieces(), out: [UInt8] = []
        for byte in bytes { out += pieces.feed([byte]) }
        #expect(out + pieces.rest() == bytes)
    }

    /// Words with the blank before them; the blank of the first word of a text is not written, as with Metaspace.
    private struct WordTokenizer: Tokenizer {
        let words = [" the", " cat", "s", " sat"]
        var name: String { "words" }
        var vocabularySize: Int { 7 }
        var specials: SpecialTokens {
            var specials = ByteTokenizer().specials
            (specials.begin, specials.end, specials.padding) = (4, 5, 6)
            return specials
        }
        var isBytewise: Bool { false }
        func encode(_ bytes: ArraySlice<UInt8>) -> [Int32] { [] }
        func decode(_ tokens: some Sequence<Int32>) -> [UInt8] {
            let text = tokens.filter { words.indices.contains(Int($0)) }.map { words[Int($0)] }.joined()
            return Array((text.hasPrefix(" ") ? text.dropFirst() : text[...]).utf8)
        }
    }

    @Test func tokensAreDecodedAsInTheWholeText() throws {
        let tokenizer = WordTokenizer(), tokens: [Int32] = (0..<40).map { Int32(($0 * $0 + $0 / 3) % 4) }
        for promptLength in [0, 1, 3, 20] {
            let prompt = [4] + tokens.prefix(promptLength)
            var decoder = try TokenDecoder(tokenizer, prompt: prompt)
            let text = try tokens.dropFirst(promptLength).flatMap { try decoder.bytes(of: $0) }
            #expect(tokenizer.decode(prompt) + text == tokenizer.decode(tokens))
        }
    }
}

/// A model that was never trained writes nonsense, but the same nonsense every time.
struct TextGenerationTests {
    private static func generator() throws -> TextGenerator {
        let folder = TemporaryFolder("generation")
        var section = try #require(try TinyRecipe.make(folder).model)
        section.vocabularySize = 264
        section.initializerRange = 1
        return TextGenerator(model: try HybridModel(section), tokenizer: ByteTokenizer())
    }

    private static let prompts = ["", "a", "the quick brown fox", "é and more than that", "jumps over"]

    private static func requests(_ sampling: Sampler.Settings, stops: [String] = []) -> [GenerationRequest] {
        prompts.enumerated().map { number, prompt in
            GenerationRequest(
                prompt: Array(prompt.utf8), tokensMax: 12 + 5 * number, sampling: sampling, seed: 7,
                stops: stops.map { Array($0.utf8) })
        }
    }

    @Test(
        arguments: [
            Sampler.Settings(), .init(temperature: 1.2), .init(temperature: 1, topK: 9, topP: 0.9, minP: 0.01),
            .init(temperature: 0.8, repetitionPenalty: 1.3),
        ])
    func aTextDoesNotDependOnThoseBesideIt(_ sampling: Sampler.Settings) throws {
        let generator = try Self.generator(), requests = Self.requests(sampling)
        var speed = GenerationSpeed()
        let together = try generator.generate(requests, speed: &speed)
        for (request, result) in zip(requests, together) {
            let alone = try generator.generate([request], speed: &speed)[0]
            #expect(alone.tokens == result.tokens)
            #expect(alone.text == result.text)
            #expect(result.tokens.count == request.tokensMax || result.finish == .end)
        }
        #expect(speed.texts == 10)
        #expect(speed.tokens == 2 * together.reduce(0) { $0 + $1.tokens.count })
    }

    @Test func whatIsEmittedIsTheTextInOrder() throws {
        let generator = try Self.generator(), requests = Self.requests(.init(temperature: 1))
        var speed = GenerationSpeed(), emitted = [[UInt8]](repeating: [], count: requests.count)
        let results = try generator.generate(requests, speed: &speed) {
            emitted[$0] += $1
            return true
        }
        #expect(emitted == results.map(\.text))
        #expect(results.allSatisfy { $0.text == ByteTokenizer().decode($0.tokens) })
    }

    @Test func aTextEndsBeforeItsStopStringWhoeverIsBesideIt() throws {
        let generator = try Self.generator()
        var speed = GenerationSpeed()
        let whole = try generator.generate(Self.requests(.init()), speed: &speed)
        // Three bytes from the middle of the longest text: three tokens.
        let text = whole[4].text, stop = Array(text[10..<13])
        var requests = Self.requests(.init())
        requests[4].stops = [Array("never".utf8), stop]
        let stopped = try generator.generate(requests, speed: &speed)
        let first = (0...10).first { text[$0...].starts(with: stop) } ?? -1
        #expect(stopped[4].text == Array(text[..<first]))
        #expect(stopped[4].finish == .stop)
        #expect(stopped[4].tokens.count == first + 3)
        for index in 0..<4 { #expect(stopped[index].text == whole[index].text) }
    }

    @Test func whoWantsNoMoreGetsNoMore() throws {
        let generator = try Self.generator()
        var speed = GenerationSpeed(), pieces = 0
        let result = try generator.generate(Self.requests(.init(temperature: 1)), speed: &speed) { number, _ in
            pieces += number == 3 ? 1 : 0
            return number != 3 || pieces < 4
        }
        #expect(result[3].finish == .cancelled)
        #expect(pieces == 4)
        #expect(result[4].finish != .cancelled)
    }

    @Test func samplesOfOnePromptDifferAndTheFirstHasTheSeedItself() throws {
        var job = GenerationJob()
        job.prompts = [.init(prompt: "a"), .init(prompt: "b", seed: 3)]
        (job.samples, job.tokensMax, job.batch, job.seed) = (3, 8, 4, 3)
        job.temperature = 1
        var records: [GenerationJob.Record] = []
        let speed = try job.run(try Self.generator(), done: { records.append($0) })
        #expect(speed.texts == 6)
        #expect(records.map(\.prompt) == [0, 0, 0, 1, 1, 1])
        #expect(records.map(\.sample) == [0, 1, 2, 0, 1, 2])
        #expect(Set(records.map(\.tokens)).count == 6)
        #expect(records[0].seed == 3 && records[3].seed == 3)
        #expect(Set(records.map(\.seed)).count == 3)
    }

    @Test(
        arguments: [
            ("{\"prompt\": \"a\"}\n{\"text\": \"b\"}\n", ":2: the line is not like"), ("\n \n", "has no lines"),
            ("{\"prompt\": 3}", ":1: the line is not like"), ("nonsense", ":1: the line is not like"),
        ])
    func aBadFileOfPromptsIsNamedWithItsLine(_ text: String, expected: String) throws {
        let folder = TemporaryFolder("prompts")
        try DurableFile.write(Data(text.utf8), to: folder("p.jsonl"))
        let error = #expect(throws: UserError.self) { try PromptFile.read(folder("p.jsonl")) }
        #expect(error?.description.contains(expected) == true, "\(error.map(\.description) ?? "")")
    }

    @Test func impossibleJobsAreRefusedByTheirOption() {
        func problem(_ change: (inout GenerationJob) -> Void) -> String {
            var job = GenerationJob()
            job.prompts = [.init(prompt: "a")]
            change(&job)
            do throws(UserError) {
                try job.check()
                return ""
            } catch {
                return "\(error)"
            }
        }
        #expect(problem { _ in } == "")
        #expect(problem { $0.tokensMax = -1 }.contains("--max-tokens"))
        #expect(problem { $0.samples = 0 }.contains("--num-samples"))
        #expect(problem { $0.batch = 1 << 20 }.contains("--batch"))
        #expect(problem { $0.stops = [""] }.contains("--stop"))
        #expect(problem { $0.topP = 2 }.contains("top-p"))
        #expect(problem { $0.prompts = [] }.contains("nothing to continue"))
    }
}
