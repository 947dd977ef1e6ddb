import MoltCore

/// What a tokenizer's `post_processor` puts around a text.
struct PostProcessor: Sendable {
    var before: [Int32] = []
    var after: [Int32] = []

    mutating func read(_ place: JSONPlace, depth: Int = 0) throws(UserError) {
        guard depth < Limits.pipelineStepsMax else { throw place.error("too many steps") }
        let type = try place.needed("type").text()
        switch type {
        case "Sequence": for step in try place.needed("processors").list() { try read(step, depth: depth + 1) }
        // Changes offsets alone.
        case "ByteLevel": break
        case "TemplateProcessing": try readTemplate(place)
        case "BertProcessing", "RobertaProcessing":
            before = [try special(place.needed("cls"))] + before
            after.append(try special(place.needed("sep")))
        default:
            throw place.error("the post-processor '\(DisplayText.escaped(type))' is not known", fix: Normalizer.fix)
        }
    }

    /// `["</s>", 2]`
    private func special(_ place: JSONPlace) throws(UserError) -> Int32 {
        guard let id = try place.list().last else { throw place.error("not a token with its id") }
        return try id.id()
    }

    private mutating func readTemplate(_ place: JSONPlace) throws(UserError) {
        let specials = place.member("special_tokens")
        var head: [Int32] = []
        var tail: [Int32] = []
        var sequences = 0
        for piece in try place.needed("single").list() {
            if piece.member("Sequence") != nil {
                sequences += 1
                continue
            }
            let name = try piece.needed("SpecialToken").needed("id")
            guard let special = specials?.member(try name.text()) else {
                throw name.error("the special token is not under 'special_tokens'")
            }
            for id in try special.needed("ids").list() {
                if sequences == 0 { head.append(try id.id()) } else { tail.append(try id.id()) }
            }
        }
        guard sequences == 1 else { throw place.error("the template for one text does not hold it once") }
        before = head + before
        after += tail
    }
}
