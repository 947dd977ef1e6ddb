import MoltCore

/// How to understand one value: returns it, or throws what was expected instead.
struct Reading<Value> {
    struct Failure: Error {
        var what: String
        /// The part of the value that is wrong, when it is not all of it.
        var place: Place?
    }

    let read: (YAMLTree) throws(Failure) -> Value

    /// A scalar whose text `parse` understands; `expected` says in words what it understands.
    static func scalar(_ expected: String, _ parse: @escaping (_ text: String, _ isPlain: Bool) -> Value?) -> Reading {
        Reading { tree throws(Failure) in
            if case .scalar(let text, let isPlain) = tree.value, !tree.isNull, let value = parse(text, isPlain) {
                return value
            }
            throw Failure(what: "expected \(expected), found \(tree.shown)")
        }
    }
}

extension Reading where Value == Int {
    /// A count, with the suffixes of `Quantities`.
    static func count(_ range: ClosedRange<Int>) -> Reading {
        let limit = range.upperBound == .max ? "" : " and at most \(range.upperBound)"
        return scalar("a whole number of at least \(range.lowerBound)\(limit)") { text, _ in
            // 1.5M is a count, 1.5 is a slip.
            if text.contains("."), text.last?.isNumber ?? true { return nil }
            return Quantities.count(parsing: text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    /// Bytes: `64G`, `512MiB`, `1073741824`; powers of 1024, as Slurm counts.
    static var bytes: Reading {
        scalar("an amount of memory like 64G or 512M") { text, _ in ByteSize.parse(text) }
    }
}

extension Reading where Value == Double {
    static func number(_ range: ClosedRange<Double>, _ expected: String) -> Reading {
        scalar(expected) { text, isPlain in
            guard isPlain, let value = Double(text), range.contains(value) else { return nil }
            return value
        }
    }

    /// Seconds, written like `10m`, `24:00:00` or `4-0`; longer than nothing.
    static var duration: Reading {
        scalar("a time span like 90s, 10m, 24:00:00 or 4-0") { text, _ in
            Durations.seconds(parsing: text).flatMap { $0 > 0 && $0 < 10 * 365 * 86400 ? $0 : nil }
        }
    }
}

extension Reading where Value == Bool {
    static var flag: Reading {
        scalar("true or false") { text, isPlain in
            switch (isPlain, text.lowercased()) {
            case (true, "true"), (true, "yes"), (true, "on"): true
            case (true, "false"), (true, "no"), (true, "off"): false
            default: nil
            }
        }
    }
}

extension Reading where Value == String {
    /// One line of text without control characters.
    static var text: Reading {
        scalar("a line of text") { text, _ in
            text.isEmpty || text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F } ? nil : text
        }
    }

    /// Any text that can be an argument or a variable's value: everything but NUL.
    static var argument: Reading {
        scalar("text") { text, _ in text.utf8.contains(0) ? nil : text }
    }

    /// A path, absolute or relative to the file that names it.
    static var path: Reading {
        Reading { tree throws(Failure) in
            guard case .scalar(let text, _) = tree.value, !tree.isNull, !text.isEmpty,
                !text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F })
            else { throw Failure(what: "expected a path, found \(tree.shown)") }
            return Paths.resolve(text, in: tree.place.folder)
        }
    }

    /// A path, except for the words that mean something else.
    static func pathUnless(_ isWord: @escaping (_ text: String, _ folder: String) -> Bool) -> Reading {
        Reading { tree throws(Failure) in
            if case .scalar(let text, _) = tree.value, isWord(text, tree.place.folder) { return text }
            return try path.read(tree)
        }
    }

    /// `http://` or `https://` and no blanks, or a secret that is one.
    static var webAddress: Reading {
        scalar("an address like https://host/path, or secret://NAME") { text, _ in
            SecretWarnings.isWeb(text) || SecretReference(text) != nil ? text : nil
        }
    }
}

extension Reading where Value: CaseIterable & RawRepresentable, Value.RawValue == String {
    static var choice: Reading {
        Reading { tree throws(Failure) in
            let names = Value.allCases.map(\.rawValue)
            guard case .scalar(let text, _) = tree.value, !tree.isNull else {
                throw Failure(what: "expected one of \(names.joined(separator: ", ")), found \(tree.shown)")
            }
            if let value = Value(rawValue: text) { return value }
            let nearest = NearestKey.of(text, among: names).map { "; did you mean '\($0)'?" } ?? ""
            throw Failure(what: "\(tree.shown) is not one of \(names.joined(separator: ", "))\(nearest)")
        }
    }
}

extension Reading where Value == LayerPattern {
    static var pattern: Reading {
        Reading { tree throws(Failure) in
            guard case .scalar(let text, _) = tree.value, !tree.isNull else {
                throw Failure(what: "expected a layer pattern like M-M*-, found \(tree.shown)")
            }
            do throws(LayerPatternError) {
                return try LayerPattern(parsing: text)
            } catch {
                throw Failure(what: error.description)
            }
        }
    }
}

extension Reading {
    /// A list; one value alone counts as a list of one.
    static func list<Element>(_ element: Reading<Element>, orSingle: Bool = true) -> Reading where Value == [Element] {
        Reading { tree throws(Failure) in
            if case .list(let items) = tree.value {
                guard items.count <= Limits.listItems else {
                    throw Failure(what: "the list has \(items.count) items; at most \(Limits.listItems) are allowed")
                }
                var values: [Element] = []
                for (index, item) in items.enumerated() {
                    do throws(Reading<Element>.Failure) {
                        values.append(try element.read(item))
                    } catch {
                        throw Failure(what: "item \(index + 1): \(error.what)", place: error.place ?? item.place)
                    }
                }
                return values
            }
            guard orSingle, !tree.isNull, case .scalar = tree.value else {
                throw Failure(what: "expected a list, found \(tree.shown)")
            }
            do throws(Reading<Element>.Failure) {
                return [try element.read(tree)]
            } catch {
                throw Failure(what: error.what, place: error.place)
            }
        }
    }

    /// A section whose keys are free; `check` may refuse a pair.
    static func pairs(
        _ check: @escaping (_ name: String, _ value: String) -> String?
    ) -> Reading where Value == [String: String] {
        Reading { tree throws(Failure) in
            guard let entries = tree.entries else {
                throw Failure(what: "expected a section of 'name: value', found \(tree.shown)")
            }
            var values: [String: String] = [:]
            for entry in entries {
                guard case .scalar(let text, _) = entry.value.value, !entry.value.isNull, !text.utf8.contains(0) else {
                    throw Failure(
                        what: "'\(DisplayText.escaped(entry.key, limit: 64))' needs a text value, "
                            + "found \(entry.value.shown)",
                        place: entry.place)
                }
                if let problem = check(entry.key, text) { throw Failure(what: problem, place: entry.place) }
                values[entry.key] = text
            }
            return values
        }
    }
}
