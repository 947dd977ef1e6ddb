import FoundationEssentials
import MoltCore
import MoltData
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// What becomes of the forms of input, and that nothing but input and settings decides it.
struct PreparationTests {
    private let work = Prepared()

    /// Lines of many lengths, some longer than several units, some blank, the last without an end.
    private func lines(_ count: Int, seed: UInt64) -> [String] {
        var generator = SeededGenerator(seed)
        return (0..<count).map { index in
            let length = index % 50 == 49 ? 20_000 : Int(generator.below(200))
            return "\(index) " + String(repeating: "wörd ", count: length / 5 + 1)
        }
    }

    private func jsonl(_ texts: [String], key: String = "text") throws -> String {
        try texts.map { String(decoding: try JSONEncoder().encode([key: $0]), as: UTF8.self) }.joined(separator: "\n")
    }

    @Test func preparedDocumentsAreThoseOfTheFilesThemselves() throws {
        try work.write("in/a.jsonl", jsonl(lines(120, seed: 1)) + "\n\n")
        try work.write(
            "in/b.jsonl", #"{"prompt": "q?", "completion": "yes"}"# + "\n" + #"{"completion": "no", "prompt": ""}"#)
        try work.write("in/c.txt", "a plain text\nof two lines")
        let prepared = try work.run(["in"]) { $0.unitBytes = 3000 }
        let files = try DataPaths.resolve([work.folder("in")], key: "x")
        let corpus = try Corpus(files: files, tokenizer: work.tokenizer)
        let source = try work.source()
        #expect(source.shapes == corpus.shapes)
        for index in source.shapes.indices {
            let all = 0..<source.shapes[index].tokens
            #expect(try source.tokens(of: index, in: all) == corpus.tokens(of: index, in: all))
        }
        #expect(prepared.report.splits["train"]?.documents == 123)
        #expect(prepared.report.splits["train"]?.tokens == corpus.tokenCount)
        let bytes = files.map { FileManager.default.contents(atPath: $0)?.count ?? 0 }.reduce(0, +)
        #expect(prepared.report.bytes == bytes)
    }

    @Test(arguments: [1, 7, 100, 4096, 1 << 20])
    func everyLineIsTakenOnceWhereverUnitsAreCut(unit: Int) throws {
        let texts = ["a", "", "bc", "déf", String(repeating: "x", count: 900), "g"]
        try work.write("a.txt", texts.joined(separator: "\n"))
        try work.run(["a.txt"]) {
            $0.unitBytes = unit
            $0.textUnit = .line
        }
        #expect(try work.texts() == texts.filter { !$0.isEmpty })
    }

    @Test(arguments: [(1, 1), (3, 1), (2, 2), (1, 3)])
    func theResultDependsOnNeitherThreadsNorRanks(threads: Int, ranks: Int) throws {
        try work.write("a.jsonl", jsonl(lines(90, seed: 2) + lines(40, seed: 2)))
        func settings(_ settings: inout PrepareSettings) {
            settings.unitBytes = 5000
            settings.validation = 0.2
            settings.deduplicate = true
            settings.shardTokens = 5000
        }
        try work.run(["a.jsonl"], out: "one", threads: 1, settings)
        try work.run(["a.jsonl"], out: "many", threads: threads, ranks: ranks, settings)
        let one = try work.contents("one"), many = try work.contents("many")
        #expect(one == many)
        #expect(one.keys.filter { $0.hasPrefix("train-") }.count > 2)
    }

    /// The members of an array start in any order, one may be repeated, and the last one to end puts them together.
    @Test func partsInAnyOrderAreTheWhole() throws {
        try work.write("a.jsonl", jsonl(lines(90, seed: 2) + lines(40, seed: 2)))
        func settings(_ settings: inout PrepareSettings) {
            settings.unitBytes = 5000
            settings.deduplicate = true
        }
        try work.run(["a.jsonl"], out: "one", threads: 1, settings)
        var wanted = PrepareSettings(inputs: [work.folder("a.jsonl")])
        settings(&wanted)
        func part(_ text: String) throws -> Preparation.Outcome {
            try Preparation(
                wanted, out: work.folder("parts"), tokenizer: work.tokenizer,
                chat: PlainChatRenderer(tokenizer: work.tokenizer), threads: 1, share: PrepareShare(parsing: text)
            ).run()
        }
        for text in ["3/3", "1/3", "1/3"] {
            guard case .shareDone = try part(text) else {
                Issue.record("\(text) found everything done")
                continue
            }
            #expect(!PreparedFolder.isPrepared(work.folder("parts")))
        }
        guard case .done = try part("2/3") else { throw Prepared.Missing() }
        #expect(try work.contents("parts") == work.contents("one"))
        guard case .done = try part("1/3") else { throw Prepared.Missing() }
        #expect(try work.contents("parts") == work.contents("one"))
    }

    /// What an incarnation left that ended in the middle, or that still is not quite dead.
    @Test func aRankWaitsForTheOneBeforeItAndAPersonIsTold() throws {
        try work.write("a.jsonl", jsonl(lines(40, seed: 3)))
        try work.run(["a.jsonl"], out: "one")
        let settings = PrepareSettings(inputs: [work.folder("a.jsonl")])
        func start(_ share: PrepareShare) throws -> Preparation {
            try Preparation(
                settings, out: work.folder("out"), tokenizer: work.tokenizer,
                chat: PlainChatRenderer(tokenizer: work.tokenizer), threads: 1, share: share)
        }
        guard case .stopped = try start(.rank(0, of: 1)).run(isStopped: { true }) else { throw Prepared.Missing() }
        let rest = "out/.work/unit-0000000.train.tokens.0-1f.part"
        try work.write(rest, "half")
        let lock = open(work.folder("out/.work/lock-0"), O_RDWR | O_CLOEXEC)
        #expect(flock(lock, LOCK_EX | LOCK_NB) == 0)
        let refused = #expect(throws: UserError.self) { try start(.whole).run() }
        #expect(refused?.what == "another preparation is at work on this folder")
        var waits = 0
        let outcome = try start(.rank(0, of: 1)).run(progress: { progress in
            guard progress.phase == .waiting else { return }
            waits += 1
            if waits == 2 { close(lock) }
        })
        guard case .done = outcome else { throw Prepared.Missing() }
        #expect(waits == 2)
        #expect(try work.contents() == work.contents("one"))
    }

    @Test(arguments: ["", "0/2", "3/2", "1", "1/0", "1/2/3", "a/b", "1/99999999999999999999", "-1/2"])
    func aShareThatCannotBeMeantIsRefused(text: String) {
        #expect(throws: UserError.self) { try PrepareShare(parsing: text) }
    }

    @Test func conversationsKeepSeveralSpans() throws {
        try work.write(
            "a.jsonl",
            #"{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yo"},"#
                + #" {"role": "user", "content": "so"}, {"role": "assistant", "content": "ok"}]}"# + "\n"
                + #"{"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}"#)
        try work.run(["a.jsonl"])
        let source = try work.source()
        let text = "user: hi\nassistant: yo\nuser: so\nassistant: ok\n"
        #expect(try work.texts() == [text, "user: a\nassistant: b\n"])
        func learnt(_ index: Int) throws -> [String] {
            let shape = source.shapes[index]
            let tokens = try source.tokens(of: index, in: 0..<shape.tokens)
            let spans = shape.spans.isEmpty ? [shape.firstTarget..<shape.tokens] : shape.spans
            return spans.map { String(decoding: work.tokenizer.decode(tokens[$0]), as: UTF8.self) }
        }
        #expect(try learnt(0) == ["yo\n", "ok\n"])
        #expect(try learnt(1) == ["b\n"])
        #expect(source.shapes[0].spans.last?.upperBound == source.shapes[0].tokens, "the end is learnt, too")
    }

    @Test func aPairBecomesTwoDocumentsSideBySide() throws {
        try work.write(
            "a.jsonl",
            #"{"prompt": "q ", "chosen": "good", "rejected": "bad"}"# + "\n"
                + #"{"prompt": [{"role": "user", "content": "q"}], "chosen": [{"role": "user", "content": "q"},"#
                + #" {"role": "assistant", "content": "x"}], "rejected": "y"}"#)
        let prepared = try work.run(["a.jsonl"])
        #expect(prepared.form == .pairs)
        #expect(
            try work.texts() == [
                "q good", "q bad", "user: q\nassistant: x\n", "user: q\nassistant: y\n",
            ])
        #expect(try work.source().shapes.map(\.firstTarget) == [3, 3, 20, 20])
    }

    @Test(arguments: [nil, 7] as [UInt64?])
    func preparedPairsAreThePairsOfTheFile(seed: UInt64?) throws {
        let lines = (0..<20).map { number in
            number % 3 == 0
                ? #"{"prompt": [{"role": "user", "content": "q \#(number)"}], "#
                    + #""chosen": [{"role": "assistant", "content": "x"}], "rejected": "y \#(number)"}"#
                : #"{"prompt": "q \#(number) ", "chosen": "good \#(number)", "rejected": "bad"}"#
        }
        let path = try work.write("a.jsonl", lines.joined(separator: "\n"))
        try work.run(["a.jsonl"]) { $0.unitBytes = 300 }
        let chat = PlainChatRenderer(tokenizer: work.tokenizer)
        func pairs(_ path: String) throws -> PreferencePairs {
            try PreferencePairs(
                [path], .train, key: "data.train", tokenizer: work.tokenizer, chat: chat, sequenceLength: 64,
                seed: seed)
        }
        let files = try pairs(path), prepared = try pairs(work.folder("out"))
        #expect(files.sampleCount() == 20 && prepared.sampleCount() == 20)
        let samples = files.take(45, from: DataPosition()).samples
        #expect(samples == prepared.take(45, from: DataPosition()).samples)
        for sample in samples { #expect(try files.batch([sample]) == prepared.batch([sample])) }
        #expect(try files.batch(samples) == prepared.batch(samples))
        #expect(prepared.fingerprint != files.fingerprint && prepared.fingerprint.hasPrefix("20 prepared pairs"))
    }

    @Test(arguments: [
        (#"{"text": "t"}"#, 64, "out: the folder holds single documents, and the method dpo trains on preference"),
        (
            #"{"prompt": "0123456789", "chosen": "a", "rejected": "0123456789"}"#, 20,
            "out: pair 1 makes sequences of 21 tokens, and data.sequence_length is 20"
        ),
    ])
    func preparedDataThatIsNoPairsIsRefused(line: String, length: Int, expected: String) throws {
        try work.write("a.jsonl", line)
        try work.run(["a.jsonl"])
        let error = #expect(throws: UserError.self) {
            try PreferencePairs(
                [work.folder("out")], .train, key: "data.train", tokenizer: work.tokenizer, sequenceLength: length,
                seed: nil)
        }
        let text = error?.description.replacing(work.folder.path + "/", with: "") ?? ""
        #expect(text.hasPrefix(expected), "\(text)")
        let fix = length == 64 ? "prepare files" : "raise data.sequence_length, or prepare with --max-tokens 21"
        #expect(error?.fix?.hasPrefix(fix) == true)
    }

    @Test func pairsAreNotMixedWithOtherDocuments() throws {
        try work.write("a.jsonl", #"{"text": "t"}"#)
        try work.write("b.jsonl", #"{"prompt": "q", "chosen": "good", "rejected": "bad"}"#)
        #expect(work.complaint(["*.jsonl"]).contains("preference pairs, as in b.jsonl, are mixed"))
    }

    @Test func duplicatesAreThoseThatDifferInWhiteSpaceAlone() throws {
        let texts = ["one two", "three", " one\n two ", "one  two", "One two", "three", "onetwo"]
        try work.write("a.jsonl", jsonl(texts))
        let prepared = try work.run(["a.jsonl"]) {
            $0.deduplicate = true
            $0.unitBytes = 20
        }
        #expect(try work.texts() == ["one two", "three", "One two", "onetwo"])
        #expect(prepared.report.duplicates == 3)
    }

    @Test func validationDocumentsStayWhereTheyAreWhenDataIsAdded() throws {
        let texts = (0..<400).map { "document \($0)" }
        try work.write("a.jsonl", jsonl(Array(texts[0..<300])))
        try work.run(["a.jsonl"], out: "few") { $0.validation = 0.25 }
        try work.write("a0.jsonl", jsonl(Array(texts[300...])))
        try work.run(["a*.jsonl"], out: "more") { $0.validation = 0.25 }
        let few = Set(try work.texts(.validation, out: "few")), more = Set(try work.texts(.validation, out: "more"))
        #expect(more.intersection(texts[0..<300]) == few)
        #expect((50...100).contains(few.count))
        #expect(Set(try work.texts(out: "more")).union(more) == Set(texts))
    }

    @Test(arguments: [
        ("lang=en", ["0", "3"]), ("lang!=en", ["1", "2"]), ("meta.score>=0.5", ["0", "2"]), ("meta.score<0.5", ["1"]),
        ("lang=en meta", []), ("ok=true", ["0"]),
    ])
    func conditionsKeepTheLinesThatMeetThem(condition: String, expected: [String]) throws {
        try work.write(
            "a.jsonl",
            #"{"text": "0", "lang": "en", "meta": {"score": 0.5, "x": [1]}, "ok": true}"# + "\n"
                + #"{"meta": {"score": 1e-1}, "text": "1", "lang": "de"}"# + "\n"
                + #"{"text": "2", "meta": {"score": 2}}"# + "\n" + #"{"text": "3", "lang": "en", "meta": null}"#)
        guard !expected.isEmpty else {
            #expect(work.complaint(["a.jsonl"]) { $0.filter.conditions = [condition] }.contains("no document is left"))
            return
        }
        let prepared = try work.run(["a.jsonl"]) { $0.filter.conditions = [condition] }
        #expect(try work.texts() == expected)
        #expect(prepared.report.filtered == ["where": 4 - expected.count])
    }

    @Test func lengthsFilterByBytesAndByTokens() throws {
        try work.write("a.jsonl", jsonl(["a", "bb", "ccc", "dddd"]))
        let prepared = try work.run(["a.jsonl"]) {
            $0.filter.bytesMin = 2
            $0.filter.tokensMax = 5
        }
        #expect(try work.texts() == ["bb", "ccc"])
        #expect(prepared.report.filtered == ["min-bytes": 1, "max-tokens": 1])
    }

    @Test func aFinishedFolderIsLeftAsItIsAndAnotherPreparationRefusesIt() throws {
        try work.write("a.jsonl", jsonl(["a", "b"]))
        let first = try work.run(["a.jsonl"]), before = try work.contents()
        #expect(try work.run(["a.jsonl"]) == first)
        #expect(try work.contents() == before)
        #expect(work.complaint(["a.jsonl"]) { $0.deduplicate = true }.contains("with other settings"))
        try DurableFile.makeFolder(work.folder("full"))
        try work.write("full/notes.txt", "mine")
        #expect(throws: UserError.self) { try work.run(["a.jsonl"], out: "full") }
        #expect(try work.contents("full").keys.sorted() == ["notes.txt"])
    }
}
