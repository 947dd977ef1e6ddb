import MoltCore

/// A source of training data and its share of the tokens.
package struct BlendPart: Codable, Hashable, Sendable {
    package var path: String
    /// Only its ratio to the other weights counts.
    package var weight: Double

    package init(path: String, weight: Double) {
        self.path = path
        self.weight = weight
    }
}

/// A stretch of the run with a blend of its own.
package struct BlendPhase: Codable, Hashable, Sendable {
    /// Nil for the last one, which goes on to the end.
    package var until: Until?
    package var blend: [BlendPart]

    package init(until: Until?, blend: [BlendPart]) {
        self.until = until
        self.blend = blend
    }

    /// Where a phase ends, counted from the beginning of the run.
    package enum Until: Hashable, Sendable {
        /// Of the run's tokens, above 0 and below 1.
        case share(Double)
        case tokens(Int)

        package init?(parsing text: String) {
            if text.hasSuffix("%") {
                guard let percent = Double(text.dropLast()), percent > 0, percent < 100 else { return nil }
                self = .share(percent / 100)
            } else {
                guard let tokens = Quantities.count(parsing: text), tokens > 0 else { return nil }
                self = .tokens(tokens)
            }
        }

        package var text: String {
            switch self {
            case .share(let share): Decimals.text(share * 100, digits: 6).trimmedZeros + "%"
            case .tokens(let tokens): "\(tokens)"
            }
        }
    }
}

extension BlendPhase.Until: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let value = Self(parsing: text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is no end of a phase")
        }
        self = value
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

/// What `data.train` may be: paths, or paths with weights.
struct DataMix: Hashable, Sendable {
    var paths: [String]
    var blend: [BlendPart]?
}

extension String {
    fileprivate var trimmedZeros: String {
        var text = self
        while text.last == "0" { text.removeLast() }
        if text.last == "." { text.removeLast() }
        return text
    }
}

extension Reading where Value == BlendPart {
    static var blendPart: Reading {
        Reading { tree throws(Failure) in
            let form = "expected {path: …, weight: …}"
            guard let entries = tree.entries else { throw Failure(what: "\(form), found \(tree.shown)") }
            for entry in entries where !["path", "weight"].contains(entry.key) {
                throw Failure(
                    what: "\(form), found the key '\(DisplayText.escaped(entry.key, limit: 64))'", place: entry.place)
            }
            guard let path = tree["path"], let weight = tree["weight"] else { throw Failure(what: form) }
            do throws(Reading<Double>.Failure) {
                return BlendPart(
                    path: try Reading<String>.path.readAs(Reading<Double>.self, path),
                    weight: try Reading<Double>.number(1e-9...1e15, "a weight above 0").read(weight))
            } catch {
                throw Failure(what: error.what, place: error.place)
            }
        }
    }
}

extension Reading {
    /// The same reading with its failure as another's.
    fileprivate func readAs<Other>(
        _ other: Reading<Other>.Type, _ tree: YAMLTree
    ) throws(Reading<Other>.Failure) -> Value {
        do throws(Failure) {
            return try read(tree)
        } catch {
            throw Reading<Other>.Failure(what: error.what, place: error.place)
        }
    }
}

extension Reading where Value == DataMix {
    /// Paths, or a blend of them.
    static var mix: Reading {
        Reading { tree throws(Failure) in
            do throws(Reading<Double>.Failure) {
                if case .list(let items) = tree.value, items.contains(where: { $0.entries != nil }) {
                    let blend = try Reading<[BlendPart]>.list(.blendPart).readAs(Reading<Double>.self, tree)
                    return DataMix(paths: blend.map(\.path), blend: blend)
                }
                return DataMix(paths: try Reading<[String]>.list(.path).readAs(Reading<Double>.self, tree), blend: nil)
            } catch {
                throw Failure(what: error.what, place: error.place)
            }
        }
    }
}

extension Reading where Value == BlendPhase {
    static var phase: Reading {
        Reading { tree throws(Failure) in
            let form = "expected {until: 60%, blend: […]}"
            guard let entries = tree.entries else { throw Failure(what: "\(form), found \(tree.shown)") }
            for entry in entries where !["until", "blend"].contains(entry.key) {
                throw Failure(
                    what: "\(form), found the key '\(DisplayText.escaped(entry.key, limit: 64))'", place: entry.place)
            }
            guard let blend = tree["blend"] else { throw Failure(what: form) }
            var until: BlendPhase.Until?
            if let end = tree["until"], !end.isNull {
                guard case .scalar(let text, _) = end.value, let value = BlendPhase.Until(parsing: text) else {
                    throw Failure(
                        what: "expected an end like 60% or 380B tokens, found \(end.shown)", place: end.place)
                }
                until = value
            }
            return BlendPhase(
                until: until, blend: try Reading<[BlendPart]>.list(.blendPart).readAs(Reading<BlendPhase>.self, blend))
        }
    }
}

extension Reading where Value == DataSection.Packing {
    static var packing: Reading {
        Reading { tree throws(Failure) in
            if case .scalar("best_fit", _) = tree.value { return .bestFit }
            do throws(Reading<Bool>.Failure) {
                return try Reading<Bool>.flag.read(tree) ? .runOn : .apart
            } catch {
                throw Failure(what: "expected true, false or best_fit, found \(tree.shown)", place: error.place)
            }
        }
    }
}
