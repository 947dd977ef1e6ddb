import MoltCore

extension PreTokenizer {
    static func read(_ place: JSONPlace, into steps: inout [PreTokenizer]) throws(UserError) {
        guard steps.count < Limits.pipelineStepsMax else { throw place.error("too many steps") }
        let type = try place.needed("type").text()
        switch type {
        case "Sequence": for step in try place.needed("pretokenizers").list() { try read(step, into: &steps) }
        case "ByteLevel":
            steps.append(
                .byteLevel(
                    addsSpace: try place.bool("add_prefix_space", default: true),
                    splits: try place.bool("use_regex", default: true)))
        case "Split":
            steps.append(
                .split(
                    try Needle(place.needed("pattern")), try behaviour(place.needed("behavior")),
                    inverted: try place.bool("invert", default: false)))
        case "Metaspace": steps.append(try metaspace(place))
        case "Digits": steps.append(.digits(individual: try place.bool("individual_digits", default: false)))
        case "Punctuation":
            steps.append(.punctuation(try place.member("behavior").map(behaviour) ?? .isolated))
        case "Whitespace": steps.append(.whitespace)
        case "WhitespaceSplit": steps.append(.whitespaceSplit)
        case "BertPreTokenizer": steps.append(.bert)
        case "CharDelimiterSplit":
            steps.append(.split(.text(try place.needed("delimiter").bytes()), .removed, inverted: false))
        default:
            throw place.error("the pre-tokenizer '\(DisplayText.escaped(type))' is not known", fix: Normalizer.fix)
        }
    }

    private static func behaviour(_ place: JSONPlace) throws(UserError) -> Behaviour {
        guard let behaviour = Behaviour(rawValue: try place.text()) else {
            throw place.error(
                "not a behaviour",
                fix: "the library knows Removed, Isolated, MergedWithPrevious, "
                    + "MergedWithNext and Contiguous")
        }
        return behaviour
    }

    /// Files of older versions say `add_prefix_space` instead of `prepend_scheme`.
    private static func metaspace(_ place: JSONPlace) throws(UserError) -> PreTokenizer {
        let sign = try place.needed("replacement").bytes()
        guard UTF8Text.scalars(sign).count == 1 else { throw place.error("'replacement' is not one character") }
        return .metaspace(
            sign, try prepending(place), splits: try place.bool("split", default: true))
    }

    static func prepending(_ place: JSONPlace) throws(UserError) -> Prepending {
        let adds = try place.bool("add_prefix_space", default: true)
        guard let scheme = place.member("prepend_scheme") else { return adds ? .always : .never }
        guard let prepending = Prepending(rawValue: try scheme.text()) else {
            throw scheme.error("not one of always, first and never")
        }
        return prepending
    }
}
