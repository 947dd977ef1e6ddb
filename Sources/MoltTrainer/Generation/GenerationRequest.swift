import MoltCore
package import MoltModels
import MoltTensor

/// One text to continue.
package struct GenerationRequest: Sendable {
    package var prompt: [UInt8]
    package var tokensMax: Int
    package var sampling: Sampler.Settings
    package var seed: UInt64
    /// The text ends before the first of these.
    package var stops: [[UInt8]]

    package init(
        prompt: [UInt8], tokensMax: Int, sampling: Sampler.Settings = .init(), seed: UInt64 = 1, stops: [[UInt8]] = []
    ) {
        self.prompt = prompt
        self.tokensMax = tokensMax
        self.sampling = sampling
        self.seed = seed
        self.stops = stops
    }

    /// The seed of the `number`-th text of one prompt, from 0: the first has the given one.
    package static func seed(_ seed: UInt64, sample number: Int) -> UInt64 {
        seed &+ UInt64(number) &* 0x9E37_79B9_7F4A_7C15
    }
}

/// What became of a request.
package struct GenerationResult: Sendable {
    package enum Finish: String, Codable, Sendable {
        /// The model ended the text.
        case end
        /// A stop string came.
        case stop
        /// All the tokens that were asked for.
        case length
        /// Nobody wanted more.
        case cancelled
    }

    /// Without the prompt and the stop string.
    package var text: [UInt8] = []
    package var tokens: [Int32] = []
    package var promptTokens = 0
    package var finish = Finish.length
}

/// How much was generated, and how fast.
package struct GenerationSpeed: Encodable, Sendable {
    package var texts = 0
    package var promptTokens = 0
    package var tokens = 0
    /// For reading prompts, and for all the rest.
    package var prefillSeconds = 0.0
    package var decodeSeconds = 0.0
    /// Where, and in which type; nil before there is any.
    package var place: ComputePlace?

    package init() {}

    /// Of the tokens after the first of each text: the first comes with the prompt.
    package var tokensPerSecond: Double {
        decodeSeconds > 0 ? Double(max(0, tokens - texts)) / decodeSeconds : 0
    }

    private enum CodingKeys: String, CodingKey {
        case texts, promptTokens, tokens, prefillSeconds, decodeSeconds, tokensPerSecond, device, precision
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(texts, forKey: .texts)
        try container.encode(promptTokens, forKey: .promptTokens)
        try container.encode(tokens, forKey: .tokens)
        try container.encode(prefillSeconds, forKey: .prefillSeconds)
        try container.encode(decodeSeconds, forKey: .decodeSeconds)
        try container.encode(tokensPerSecond, forKey: .tokensPerSecond)
        try container.encodeIfPresent(place?.device.description, forKey: .device)
        try container.encodeIfPresent(place?.precision.rawValue, forKey: .precision)
    }
}
