import MoltCore
import Yams

extension YAMLTree {
    /// Reads one YAML document, or throws what is wrong with it and where. An empty document is an empty map.
    static func parse(bytes: some Collection<UInt8>, place: Place) throws(UserError) -> YAMLTree {
        guard bytes.count <= Limits.fileBytes else {
            throw UserError(
                "the file has \(bytes.count) bytes; at most \(Limits.fileBytes) are read", at: place.file)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            let line = firstInvalidLine(of: bytes)
            throw UserError("the file is not UTF-8 text", at: "\(place.file):\(line)", fix: "save it as UTF-8")
        }
        return try parse(text, place: place)
    }

    static func parse(_ text: String, place: Place) throws(UserError) -> YAMLTree {
        guard aliasCount(in: text) <= Limits.aliases else {
            throw UserError(
                "the file uses more than \(Limits.aliases) aliases (*name)", at: place.file,
                fix: "write the values out, or use 'extends'")
        }
        let root: Node?
        do {
            // The basic resolver gives no meaning to scalars, which also makes duplicate keys cheap to find.
            root = try Parser(yaml: text, resolver: .basic, encoding: .utf8).singleRoot()
        } catch let error as YamlError {
            throw userError(error, text: text, place: place)
        } catch {
            throw UserError("the file cannot be read: \(error)", at: place.file)
        }
        guard let root else { return YAMLTree(value: .map([]), place: place) }
        var budget = Limits.nodes
        let tree = try convert(root, place: place, depth: 0, budget: &budget)
        return tree.isNull ? YAMLTree(value: .map([]), place: tree.place) : tree
    }

    private static func convert(
        _ node: Node, place: Place, depth: Int, budget: inout Int
    ) throws(UserError) -> YAMLTree {
        var here = place
        here.line = place.line == nil && place.file == Override.file ? nil : node.mark?.line ?? place.line
        budget -= 1
        guard budget > 0 else {
            throw UserError("the file expands to more than \(Limits.nodes) values", at: here.description)
        }
        guard depth <= Limits.depth else {
            throw UserError("values are nested more than \(Limits.depth) deep", at: here.description)
        }
        switch node {
        case .scalar(let scalar):
            let isPlain = scalar.style == .plain || scalar.style == .any
            return YAMLTree(value: .scalar(scalar.string, isPlain: isPlain), place: here)
        case .sequence(let sequence):
            var items: [YAMLTree] = []
            for item in sequence {
                items.append(try convert(item, place: here, depth: depth + 1, budget: &budget))
            }
            return YAMLTree(value: .list(items), place: here)
        case .mapping(let mapping):
            var entries: [Entry] = []
            for (key, value) in mapping {
                guard case .scalar(let name) = key else {
                    throw UserError("a key must be a single word", at: here.description)
                }
                var keyPlace = here
                if here.line != nil { keyPlace.line = key.mark?.line ?? here.line }
                var tree = try convert(value, place: keyPlace, depth: depth + 1, budget: &budget)
                if here.line != nil, case .scalar(_, true) = tree.value, tree.isNull { tree.place = keyPlace }
                entries.append(Entry(key: name.string, place: keyPlace, value: tree))
            }
            return YAMLTree(value: .map(entries), place: here)
        case .alias:
            throw UserError("an alias refers to nothing", at: here.description)
        }
    }

    private static func userError(_ error: YamlError, text: String, place: Place) -> UserError {
        func at(_ line: Int) -> String { place.file == Override.file ? place.file : "\(place.file):\(line)" }
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let detail = context.map { "\($0.text), \(problem)" } ?? problem
            let hasTab = text.contains("\t") && problem.contains("cannot start any token")
            return UserError(
                "not valid YAML: \(detail)", at: at(mark.line),
                fix: hasTab ? "indent with spaces, not tabs" : nil)
        case .duplicatedKeysInMapping(let duplicates, let context):
            let names = duplicates.map { "'\(DisplayText.escaped($0, limit: 64))'" }.joined(separator: ", ")
            return UserError(
                "\(names) appears twice in the same section", at: at(context.mark.line), fix: "remove one of the two")
        case .reader(let problem, let offset, _, _):
            let line = 1 + text.prefix(offset ?? 0).count { $0.isNewline }
            return UserError("not valid YAML: \(problem)", at: at(line))
        case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
            return UserError("not valid YAML", at: place.file)
        }
    }

    /// An upper bound: a star that follows a blank or an opening sign and precedes a letter or digit.
    private static func aliasCount(in text: String) -> Int {
        var count = 0, before: UInt8 = UInt8(ascii: "\n"), isStar = false
        for byte in text.utf8 {
            if isStar, byte > 0x20, !",]}:".utf8.contains(byte) { count += 1 }
            isStar = byte == UInt8(ascii: "*") && (before <= 0x20 || "[{,:".utf8.contains(before))
            before = byte
        }
        return count
    }

    private static func firstInvalidLine(of bytes: some Collection<UInt8>) -> Int {
        var line = 1, codec = UTF8(), iterator = bytes.makeIterator()
        while true {
            switch codec.decode(&iterator) {
            case .scalarValue(let scalar): line += scalar == "\n" ? 1 : 0
            case .emptyInput, .error: return line
            }
        }
    }
}
