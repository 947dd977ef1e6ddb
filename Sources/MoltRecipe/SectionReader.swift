import MoltCore

/// Fills a section of a recipe or a site from its YAML, key by key; every key of `Key` must be asked for once.
struct SectionReader<Section, Key: CodingKey & CaseIterable & RawRepresentable<String> & Hashable> {
    let tree: YAMLTree?
    let path: String
    let problems: ProblemList
    var section: Section
    private var asked: Set<Key> = []

    /// - Parameter extra: keys that the caller reads by itself.
    init(
        _ tree: YAMLTree?, path: String, section: Section, keys: Key.Type, problems: ProblemList, extra: [String] = []
    ) {
        let isSection = tree?.entries != nil
        self.tree = isSection ? tree : nil
        self.path = path
        self.section = section
        self.problems = problems
        guard let tree else { return }
        problems.note(path, at: tree.place)
        if !isSection, !tree.isNull {
            problems.add("expected a section of 'key: value', found \(tree.shown)", at: tree.place, key: path)
        }
        refuseUnknown(extra: extra)
    }

    /// Reads `key` if it is there; absent and `null` leave the default.
    mutating func read<Value>(_ key: Key, _ field: WritableKeyPath<Section, Value>, _ reading: Reading<Value>) {
        guard let value = value(key), !value.isNull else { return }
        if let result = attempt(key, value, reading) { section[keyPath: field] = result }
    }

    /// Reads `key` if it is there; `null` means none.
    mutating func read<Value>(_ key: Key, _ field: WritableKeyPath<Section, Value?>, _ reading: Reading<Value>) {
        guard let value = value(key) else { return }
        if value.isNull {
            section[keyPath: field] = nil
        } else if let result = attempt(key, value, reading) {
            section[keyPath: field] = result
        }
    }

    /// Reads `key`, which must be there.
    mutating func need<Value>(_ key: Key, _ field: WritableKeyPath<Section, Value>, _ reading: Reading<Value>) {
        guard let value = value(key), !value.isNull else {
            problems.add("'\(key.rawValue)' is missing", at: tree?.place ?? problems.origin(of: path), key: path)
            return
        }
        if let result = attempt(key, value, reading) { section[keyPath: field] = result }
    }

    /// The raw value of a key that is a section of its own.
    mutating func subtree(_ key: Key) -> YAMLTree? {
        value(key)
    }

    func has(_ key: Key) -> Bool {
        tree?[key.rawValue].map { !$0.isNull } ?? false
    }

    /// The section, once every key has been asked for (a key that is known but never read would be ignored).
    func finished() -> Section {
        assert(asked.count == Key.allCases.count, "\(path): \(Set(Key.allCases).subtracting(asked)) never read")
        return section
    }

    private mutating func value(_ key: Key) -> YAMLTree? {
        asked.insert(key)
        guard let value = tree?[key.rawValue] else { return nil }
        problems.note(dotted(key.rawValue), at: value.place)
        return value
    }

    private func attempt<Value>(_ key: Key, _ value: YAMLTree, _ reading: Reading<Value>) -> Value? {
        do throws(Reading<Value>.Failure) {
            return try reading.read(value)
        } catch {
            problems.add(error.what, at: error.place ?? value.place, key: dotted(key.rawValue))
            return nil
        }
    }

    private func dotted(_ key: String) -> String {
        path.isEmpty ? key : "\(path).\(key)"
    }

    private func refuseUnknown(extra: [String]) {
        let known = Key.allCases.map(\.rawValue) + extra
        for entry in tree?.entries ?? [] where !known.contains(entry.key) {
            let shown = DisplayText.escaped(entry.key, limit: 64)
            let section = path.isEmpty ? "" : " in '\(path)'"
            let fix = NearestKey.of(entry.key, among: known).map { "did you mean '\($0)'?" }
                ?? "known keys: \(known.sorted().joined(separator: ", "))"
            problems.add("unknown key '\(shown)'\(section)", at: entry.place, key: dotted(shown), fix: fix)
        }
    }
}
