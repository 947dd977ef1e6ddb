import FoundationEssentials
import MoltCheckpoint
import MoltCore
import MoltModels
import MoltRecipe

/// The config.json of an export. Where transformers has a class that computes the model, it is that class's; otherwise
/// it is our own, which other tools can read and none can run.
struct HuggingFaceConfig {
    let fields: [String: JSONTree]
    /// Whether transformers can load the model; if not, why.
    let obstacle: String?

    /// - Parameter type: of the weights that lie beside it.
    init(_ model: ModelSection, type: StoredType, specials: SpecialIDs = SpecialIDs()) {
        let words = [StoredType.float16: "float16", .bfloat16: "bfloat16", .float64: "float64"]
        let common: [String: JSONTree] = [
            "dtype": .text(words[type] ?? "float32"), "torch_dtype": .text(words[type] ?? "float32"),
            "vocab_size": .integer(model.vocabularySize ?? 0), "hidden_size": .integer(model.hiddenSize),
            "tie_word_embeddings": .flag(model.tiedEmbeddings), "initializer_range": .number(model.initializerRange),
            "use_cache": .flag(true),
        ].merging(Self.tokens(specials)) { $1 }
        let own = Self.own(model)
        guard let theirs = Self.theirs(model) else {
            fields = common.merging(own) { $1 }
            obstacle = "transformers has no class for 'family: \(model.family.rawValue)' with these layers"
            return
        }
        let merged = common.merging(theirs) { $1 }
        // What is written is read again: a key that the class has no place for would be lost without a word.
        let read = try? ModelSection(config: ConfigReader(path: "config.json", fields: merged))
        let lost = read.map { Self.differences($0, model) } ?? ["sizes"]
        if lost.isEmpty {
            fields = merged
            obstacle = nil
        } else {
            fields = common.merging(own) { $1 }
            obstacle = "transformers' class has no place for this model's " + lost.joined(separator: ", ")
        }
    }

    /// Null where an id is not known: a class's default would name some token of the text.
    static func tokens(_ specials: SpecialIDs) -> [String: JSONTree] {
        let end = specials.end.map { JSONTree.integer($0) }
        return [
            "bos_token_id": specials.begin.map { .integer($0) } ?? .null,
            "eos_token_id": end.count > 1 ? .list(end) : end.first ?? .null,
            "pad_token_id": specials.padding.map { .integer($0) } ?? .null,
        ]
    }

    private static func differences(_ read: ModelSection, _ model: ModelSection) -> [String] {
        let (a, b) = (read.relevant.architecture, model.relevant.architecture)
        return Set(a.keys).union(b.keys).filter { a[$0] != b[$0] }.sorted()
    }

    private static func own(_ model: ModelSection) -> [String: JSONTree] {
        let data = (try? JSONEncoder().encode(model)) ?? Data("{}".utf8)
        let tree = (try? BoundedJSON().decode(JSONTree.self, from: data)) ?? .null
        return [
            "model_type": .text(ModelSection.ownType), "architectures": .list([.text("MoltForCausalLM")]),
            "molt": tree,
        ]
    }

    private static func theirs(_ model: ModelSection) -> [String: JSONTree]? {
        guard model.mixersEnabled else { return nil }
        switch model.family {
        case .mamba2: return mamba2(model)
        case .nemotronH: return nemotron(model)
        case .bamba: return bamba(model)
        case .granite: return granite(model)
        case .recurrentGemma: return recurrentGemma(model)
        case .samba, .mambaformer, .hybrid: return nil
        }
    }

    func data() throws -> Data { try JSONTree.file(fields) }
}
