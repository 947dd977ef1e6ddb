import FoundationEssentials
import MoltCore
import Testing

/// Foundation's decoder ends the process for a text that ends with its 513th open bracket.
struct BoundedJSONTests {
    /// Any JSON; what it holds is not looked at.
    private struct Anything: Decodable {
        init(from decoder: any Decoder) throws {
            guard var list = try? decoder.unkeyedContainer() else { return }
            while !list.isAtEnd { _ = try list.decode(Anything.self) }
        }
    }

    private func read(_ text: String, json5: Bool = false) throws {
        var decoder = BoundedJSON()
        decoder.allowsJSON5 = json5
        _ = try decoder.decode(Anything.self, from: Data(text.utf8))
    }

    /// Covers N17.
    @Test(arguments: ["[", "{\"a\":", "[{\"a\":", "[1,", "[\"[\",", " ["], [257, 512, 513, 514, 5000])
    func whatIsNestedTooDeeplyIsRefused(_ piece: String, _ count: Int) {
        for json5 in [false, true] {
            let error = #expect(throws: DecodingError.self) {
                try read(String(repeating: piece, count: count), json5: json5)
            }
            #expect("\(error.map { "\($0)" } ?? "")".contains("nested deeper"))
        }
    }

    @Test func whatCanBeReadIsRead() throws {
        try read(String(repeating: "[", count: 256) + String(repeating: "]", count: 256))
        try read(String(repeating: "[[]],", count: 2000).dropLast().description.bracketed)
        // Brackets in strings are none, behind an escaped quotation mark either.
        try read("[\"" + String(repeating: "[", count: 600) + "\", \"\\\"" + String(repeating: "{", count: 600) + "\"]")
        #expect(try BoundedJSON().decode([String: Int].self, from: Data("{\"a\": 7}".utf8)) == ["a": 7])
    }

    @Test(arguments: [
        ["// a 'word' and \"", "\n"], ["/* [' \" */", ""], ["['\"', ", ""], ["[\"'\", ", ""], ["[\"\\\"'\", ", ""],
    ])
    func inTheWiderLanguageNeitherCommentsNorQuotesHideBrackets(_ around: [String]) {
        let deep = around[0] + around[1] + String(repeating: "[", count: 513)
        let error = #expect(throws: DecodingError.self) { try read(deep, json5: true) }
        #expect("\(error.map { "\($0)" } ?? "")".contains("nested deeper"))
    }

    @Test func commentsOfTheWiderLanguageAreRead() throws {
        let hidden = String(repeating: "[", count: 600)
        try read("// \(hidden)\n[1, /* \(hidden) */ Infinity, '\(hidden)']", json5: true)
    }

    /// A wide character may hold the byte of a quotation mark, and brackets behind it would not be seen.
    @Test(arguments: [
        [0xFF, 0xFE, 0x5B, 0], [0xFE, 0xFF, 0, 0x5B], [0x5B, 0, 0x5D, 0], [0, 0x5B, 0, 0x5D],
    ] as [[UInt8]])
    func otherEncodingsAreRefused(_ bytes: [UInt8]) {
        let error = #expect(throws: DecodingError.self) {
            _ = try BoundedJSON().decode(Anything.self, from: Data(bytes))
        }
        #expect("\(error.map { "\($0)" } ?? "")".contains("UTF-16"))
    }
}

extension String {
    fileprivate var bracketed: String { "[\(self)]" }
}
