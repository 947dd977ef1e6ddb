package import MoltCore
import MoltData
import MoltModels
import MoltRecipe
import MoltTensor

/// One text while it is written.
private struct TextInProgress {
    let request: GenerationRequest
    let limit: Int
    var sampler: Sampler
    var decoder: TokenDecoder
    var matcher: StopMatcher
    var pieces = UTF8Pieces()
    var seen: Set<Int>
    var result = GenerationResult()
    var isOver = false

    init(_ request: GenerationRequest, _ tokens: [Int32], _ tokenizer: any Tokenizer) throws(UserError) {
        self.request = request
        limit = min(request.tokensMax, WorkLimits.generatedTokensMax)
        sampler = Sampler(request.sampling, seed: request.seed)
        decoder = try TokenDecoder(tokenizer, prompt: tokens)
        matcher = StopMatcher(request.stops)
        seen = request.sampling.repetitionPenalty == 1 ? [] : Set(tokens.map(Int.init))
        result.promptTokens = tokens.count
    }

    /// Takes the next token; what it adds to the text goes to `emit`.
    mutating func take(_ token: Int32, isEnd: Bool, emit: ([UInt8]) -> Bool) throws(UserError) {
        if isEnd { return end(.end, emit: emit) }
        result.tokens.append(token)
        if request.sampling.repetitionPenalty != 1 { seen.insert(Int(token)) }
        let isWanted = show(matcher.feed(try decoder.bytes(of: token)), emit)
        if matcher.found != nil {
            end(.stop, emit: emit)
        } else if !isWanted {
            end(.cancelled, emit: emit)
        } else if result.tokens.count >= limit {
            end(.length, emit: emit)
        }
    }

    mutating func end(_ finish: GenerationResult.Finish, emit: ([UInt8]) -> Bool) {
        guard !isOver else { return }
        isOver = true
        result.finish = finish
        let last = pieces.feed(matcher.rest()) + pieces.rest()
        result.text += last
        if finish != .cancelled, !last.isEmpty { _ = emit(last) }
    }

    private mutating func show(_ bytes: [UInt8], _ emit: ([UInt8]) -> Bool) -> Bool {
        let whole = pieces.feed(bytes)
        result.text += whole
        return whole.isEmpty || emit(whole)
    }
}

extension TextGenerator {
    /// Continues all texts together. What one becomes does not depend on the others.
    /// - Parameters:
    ///   - speed: counts on.
    ///   - emit: gets the number of a request and what it has grown by, in whole characters where they are UTF-8; false
    ///     ends that text.
    package func generate(
        _ requests: [GenerationRequest], speed: inout GenerationSpeed,
        emit: (Int, [UInt8]) -> Bool = { _, _ in true }
    ) throws -> [GenerationResult] {
        guard !requests.isEmpty else { return [] }
        let prompts = try requests.map { try tokens(ofPrompt: $0.prompt) }
        try check(prompts)
        var texts = try zip(requests, prompts).map { try TextInProgress($0, $1, tokenizer) }
        for index in texts.indices where texts[index].limit <= 0 { texts[index].end(.length) { _ in true } }
        var live = texts.indices.filter { !texts[$0].isOver }
        guard !live.isEmpty else { return texts.map(\.result) }
        let started = Clock.monotonic()
        let batch = try GenerationBatch(model, prompts: live.map { prompts[$0] }, precision: place.products)
        var scores = try batch.hostScores()
        let read = Clock.monotonic()
        while true {
            try beat()
            var next: [Int32] = []
            for (row, index) in live.enumerated() {
                let token = try choose(scores[row], &texts[index])
                next.append(token)
                try texts[index].take(token, isEnd: ends.contains(token)) { emit(index, $0) }
            }
            let rows = live.indices.filter { !texts[live[$0]].isOver }
            guard !rows.isEmpty else { break }
            if rows.count < live.count {
                try batch.keep(rows)
                (next, live) = (rows.map { next[$0] }, rows.map { live[$0] })
            }
            try batch.advance(next)
            scores = try batch.hostScores()
        }
        speed.prefillSeconds += read - started
        speed.decodeSeconds += Clock.monotonic() - read
        speed.place = place
        speed.texts += texts.count
        speed.promptTokens += prompts.reduce(0) { $0 + $1.count }
        speed.tokens += texts.reduce(0) { $0 + $1.result.tokens.count }
        return texts.map(\.result)
    }

    /// The tokens that the model reads before it continues a text.
    package func tokens(ofPrompt prompt: [UInt8]) throws(UserError) -> [Int32] {
        framed(try tokenizer.encode(prompt[...]))
    }

    private func check(_ prompts: [[Int32]]) throws {
        let rows = model.section.vocabularySize ?? 0
        for token in prompts.joined() where token < 0 || Int(token) >= rows {
            throw UserError(
                "the tokenizer '\(tokenizer.name)' makes the token \(token), and the model has \(rows)",
                fix: "use the model's own tokenizer")
        }
    }

    private func choose(_ scores: [Float], _ text: inout TextInProgress) throws -> Int32 {
        let allowed = allowed(scores)
        guard allowed.contains(where: { $0.isFinite }) else {
            throw UserError("the model's scores are not numbers", fix: "were its weights trained to an end? molt show")
        }
        return Int32(text.sampler.choose(allowed, seen: text.seen))
    }
}
