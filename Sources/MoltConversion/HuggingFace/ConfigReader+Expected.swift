import MoltCore

/// Keys that decide what a model computes, leave no trace in its weights, and have one value in Molt: another one is
/// refused by name, since the model would score otherwise than where it comes from.
extension ConfigReader {
    /// - Parameters:
    ///   - values: those that mean what is computed; a key that is missing or null means it too.
    ///   - computed: what that is, in words.
    func expect(_ key: String, among values: [JSONTree], computed: String) throws(UserError) {
        guard let value = fields[key], value != .null, !values.contains(value) else { return }
        throw UserError(
            "'\(key)' is \(Self.shown(value)), and \(computed)", at: path,
            fix: "Molt has no such model, and would score its texts otherwise: use the tool that it comes from")
    }

    /// Of Mamba-2 layers: the convolution's activation.
    func expectSilu(_ key: String) throws(UserError) {
        try expect(
            key, among: [.text("silu"), .text("swish")], computed: "the convolutions of Mamba-2 layers end in silu")
    }

    private static func shown(_ value: JSONTree) -> String {
        switch value {
        case .null: "null"
        case .flag(let flag): "\(flag)"
        case .integer(let integer): "\(integer)"
        case .number(let number): "\(number)"
        case .text(let text): "'\(DisplayText.escaped(text, limit: 100))'"
        case .list: "a list"
        case .object: "an object"
        }
    }
}
