import ArgumentParser
import FoundationEssentials

/// `--json`, on every command that prints something.
package struct OutputOptions: ParsableArguments {
    @Flag(name: .long, help: "Print JSON instead of text for people.")
    package var json = false

    package init() {}
}

enum Output {
    /// The wire's value for programs, `lines` for people.
    static func render(_ payload: some Encodable, json: Bool, lines: (Terminal) -> [String]) throws {
        guard json else { return show(lines(.standard())) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
        Console.out(String(decoding: try encoder.encode(payload), as: UTF8.self))
    }

    static func show(_ lines: [String]) {
        guard !lines.isEmpty else { return }
        Console.raw(lines.map { $0 + "\n" }.joined())
    }
}
