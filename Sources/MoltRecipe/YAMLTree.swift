import MoltCore

/// A parsed YAML value that knows where it stands. Scalars keep their text: what they mean is the reader's business.
struct YAMLTree: Sendable {
    indirect enum Value: Sendable {
        /// Plain means written without quotes.
        case scalar(String, isPlain: Bool)
        case list([YAMLTree])
        case map([Entry])
    }

    struct Entry: Sendable {
        var key: String
        var place: Place
        var value: YAMLTree
    }

    var value: Value
    var place: Place

    /// `~`, `null` or nothing at all.
    var isNull: Bool {
        if case .scalar(let text, isPlain: true) = value { return ["", "~", "null", "Null", "NULL"].contains(text) }
        return false
    }

    var entries: [Entry]? {
        if case .map(let entries) = value { return entries }
        return nil
    }

    subscript(key: String) -> YAMLTree? {
        entries?.first { $0.key == key }?.value
    }

    /// How the value looks in a message: its text, or what kind of thing it is.
    var shown: String {
        switch value {
        case .scalar where isNull: "nothing"
        case .scalar(let text, isPlain: true): "'\(Self.short(text))'"
        case .scalar(let text, isPlain: false): "the text \"\(Self.short(text))\""
        case .list: "a list"
        case .map: "a section"
        }
    }

    private static func short(_ text: String) -> String {
        DisplayText.escaped(text, limit: 60) + (text.unicodeScalars.count > 60 ? "…" : "")
    }

    /// This tree with `later` laid over it: sections merge key by key, everything else is replaced.
    func merged(with later: YAMLTree) -> YAMLTree {
        guard case .map(var entries) = value, case .map(let laterEntries) = later.value else { return later }
        for entry in laterEntries {
            if let partner = Self.alternatives[entry.key], !entry.value.isNull, later[partner] == nil {
                entries.removeAll { $0.key == partner }
            }
            if let index = entries.firstIndex(where: { $0.key == entry.key }) {
                entries[index].value = entries[index].value.merged(with: entry.value)
                entries[index].place = entry.place
            } else {
                entries.append(entry)
            }
        }
        return YAMLTree(value: .map(entries), place: later.place)
    }

    /// Keys of which one replaces the other when a later file sets it.
    private static let alternatives = ["tokens": "steps", "steps": "tokens", "train": "phases", "phases": "train"]

    func without(_ key: String) -> YAMLTree {
        guard case .map(let entries) = value else { return self }
        return YAMLTree(value: .map(entries.filter { $0.key != key }), place: place)
    }
}
