import FoundationEssentials
import MoltCheckpoint
import MoltConversion
import MoltCore
import MoltModels
import MoltNN
import MoltRecipe
import MoltTensor
import MoltTesting
import MoltTrainer
import Testing

/// Folders in and out of Hugging Face's layout, with transformers at the other end.
@Suite(.serialized)
struct HuggingFaceTests {
    private func scores(_ weights: some ModelWeights, _ tokens: Tensor) throws -> Tensor {
        let model = try HybridModel(weights.section, registry: ParameterRegistry(seed: 5))
        _ = try weights.load(into: model)
        return try noGrad { try model.logits(model.hidden(tokens)) }
    }

    @Test(arguments: Exchange.cases)
    func theConfigurationOfTransformersIsTheRecipesModel(_ name: String) throws {
        let reference = try Reference(name)
        let read = try ModelSection(config: "\(reference.folder)/config.json")
        #expect(read.architecture == reference.model.architecture)
        #expect(read.residualInFP32 == reference.model.residualInFP32)
    }

    @Test(arguments: Exchange.cases)
    func whatTransformersSavedScoresAlike(_ name: String) throws {
        let reference = try Reference(name)
        let weights = try HuggingFaceFolder(reference.folder)
        #expect(weights.unused.isEmpty)
        let (difference, bound) = try reference.difference(scores(weights, reference.tokens))
        #expect(difference <= bound)
    }

    @Test(arguments: Exchange.cases)
    func whatIsExportedScoresAlikeInTransformers(_ name: String) throws {
        let folder = try Exchange.read.get()
        let file = try SafetensorsFile(path: folder("\(name).logits.safetensors"))
        #expect(file.header.metadata["odd"] == "", "nothing is missing, unexpected or of another shape")
        let (difference, bound) = try Reference(name).difference(file.tensor("logits"))
        #expect(difference <= bound)
    }

    @Test(arguments: Exchange.cases)
    func anExportIsReadBackBitForBit(_ name: String) throws {
        let folder = try Exchange.read.get()
        let original = try HuggingFaceFolder(Reference(name).folder)
        let back = try HuggingFaceFolder(folder(name))
        #expect(Set(back.tensors.keys) == Set(original.tensors.keys))
        for key in original.tensors.keys { #expect(try back.read(key) == original.read(key)) }
        #expect(back.section.architecture == original.section.architecture)
    }

    /// The class of transformers ties nothing, whatever config.json says.
    @Test func aTiedNemotronIsWrittenWithItsHead() throws {
        let whole = try HuggingFaceFolder(Reference("nemotron-gelu").folder), temporary = TemporaryFolder("tied")
        let headless = try whole.tensors.filter { $0.key != "lm_head.weight" }.map { key, stored in
            var tensor = try whole.read(key)
            tensor.name = stored.names[0]
            return tensor
        }
        let path = try Reference("nemotron-gelu").folder + "/config.json"
        let config = String(decoding: try DurableFile.read(path), as: UTF8.self)
        let tied = config.replacing("\"tie_word_embeddings\": false", with: "\"tie_word_embeddings\": true")
        try #require(tied != config)
        try DurableFile.makeFolder(temporary("in"))
        try DurableFile.write(Data(tied.utf8), to: temporary("in/config.json"))
        _ = try SafetensorsWriter.write(headless, metadata: ["format": "pt"], to: temporary("in/model.safetensors"))
        try DurableFile.makeFolder(temporary("out"))
        let source = try HuggingFaceFolder(temporary("in"))
        #expect(try HuggingFaceExport(source, type: nil).write(into: temporary("out")) == nil)
        let back = try HuggingFaceFolder(temporary("out"))
        #expect(back.unused == ["lm_head.weight"], "it is there, and equal to the embeddings, or it was refused")
        #expect(back.section.tiedEmbeddings)
    }
}
