import MoltCore

/// `a.b.c=value` from the command line: the value is read as YAML, so that lists and numbers work as in a file.
enum Override {
    static let file = "command line"

    static func parse(_ text: String, folder: String) throws(UserError) -> YAMLTree {
        let place = Place(file: file, folder: folder)
        let shown = DisplayText.escaped(text, limit: 120)
        guard let equals = text.firstIndex(of: "=") else {
            throw UserError("'\(shown)' is not of the form key=value", at: file, fix: "like train.steps=100")
        }
        let keys = text[..<equals].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard keys.allSatisfy({ !$0.isEmpty }), keys.count <= Limits.depth else {
            throw UserError("'\(shown)' has no proper key before '='", at: file, fix: "like train.steps=100")
        }
        var tree = try value(String(text[text.index(after: equals)...]), place: place)
        for key in keys.reversed() {
            tree = YAMLTree(value: .map([.init(key: key, place: place, value: tree)]), place: place)
        }
        return tree
    }

    /// YAML if it parses; text such as `M-M*-` or `a: b` that is no YAML flow is taken as it stands.
    private static func value(_ text: String, place: Place) throws(UserError) -> YAMLTree {
        let isFlow = text.first.map { "[{\"'".contains($0) } ?? false
        guard isFlow else { return YAMLTree(value: .scalar(text, isPlain: true), place: place) }
        return try YAMLTree.parse(text, place: place)
    }
}
