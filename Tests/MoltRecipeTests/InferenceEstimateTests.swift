import FoundationEssentials
import MoltCore
import MoltRecipe
import MoltTesting
import Testing

/// The memory of runs that generate and evaluate, before they are submitted.
struct InferenceEstimateTests {
    private let folder = TemporaryFolder("inference")

    private static let generation = "generation: {prompts: [abcde, ab], num_samples: 3, max_tokens: 95}"

    /// A run of the built-in 130 M model, as far as it is looked at.
    private func checkpoint() throws -> (model: ModelSection, place: String) {
        let model = try #require(try RecipeFixture.load("extends: base").model)
        let place = folder("run/checkpoints/step-00000004-e1")
        try DurableFile.makeFolder(place)
        let manifest = CheckpointManifest(
            run: "r", step: 4, epoch: 1, files: [], recipeHash: "", architecture: [:], worldSize: 1,
            state: ["model": String(decoding: try JSONFile.encode(model), as: UTF8.self)], savedAt: 0)
        try JSONFile.write(manifest, to: "\(place)/manifest.json")
        return (model, place)
    }

    private func estimate(_ start: String, _ text: String) throws -> InferenceEstimate? {
        InferenceEstimate(try RecipeFixture.load("init_from: \(start)\n\(text)"))
    }

    @Test(arguments: ["", "/checkpoints/step-00000004-e1"])
    func aRunsModelIsKnownFromItsCheckpoint(below: String) throws {
        let (model, _) = try checkpoint(), size = ModelSize(model, sequenceLength: 1)
        let found = try #require(try estimate(folder("run") + below, "task: generate\n\(Self.generation)"))
        #expect(found.parameters == size.parameters && found.precision == .fp32)
        #expect(found.weights == 4 * Double(size.parameters))
        #expect(found.sequences == 6 && found.tokens == 100)
        let states = InferenceEstimate.states(of: model, sequences: 6, tokens: 100, isHalf: false)
        #expect(found.states == states && states > 0 && found.total == found.weights + states)
    }

    @Test(arguments: [
        ("generate\ngeneration: {prompts: [a], dtype: bf16}", 2, 1, 201),
        ("generate\n" + generation + "\nresources: {gpus_per_node: 1}", 2, 6, 100),
        ("generate\ngeneration: {prompts: [a], dtype: fp32}\nresources: {gpus_per_node: 1}", 4, 1, 201),
        ("generate\ngeneration: {prompts_file: in.jsonl, max_tokens: 7, batch: 5}", 4, 5, 7),
        ("evaluate\nevaluation: {task: recall}", 4, 0, 0),
        ("evaluate\ndata: {validation: x}\nevaluation: {task: exact-match, batch: 3, max_tokens: 9}", 4, 3, 9),
    ])
    func weightsFollowTheTypeAndStatesTheTexts(task: String, width: Double, sequences: Int, tokens: Int) throws {
        let (_, place) = try checkpoint()
        let found = try #require(try estimate(place, "task: \(task)"))
        #expect(found.weights == width * Double(found.parameters))
        #expect((found.sequences, found.tokens) == (sequences, tokens))
        #expect((found.states ?? -1 > 0) == (sequences > 0))
    }

    @Test func anotherToolsModelIsKnownByTheSizeOfItsFiles() throws {
        let model = folder("hf")
        try DurableFile.makeFolder(model)
        try DurableFile.write(Data("{\"torch_dtype\": \"bfloat16\"}".utf8), to: "\(model)/config.json")
        try DurableFile.write(Data(count: 3000), to: "\(model)/model-1.safetensors")
        try DurableFile.write(Data(count: 1000), to: folder("blob"))
        try FileManager.default.createSymbolicLink(
            atPath: "\(model)/model-2.safetensors", withDestinationPath: folder("blob"))
        let found = try #require(try estimate(model, "task: generate\n\(Self.generation)"))
        #expect(found.parameters == 2000 && found.weights == 8000 && found.states == nil && found.total == 8000)
    }

    @Test func whatIsNotKnownIsNotGuessed() throws {
        #expect(try estimate(folder("nowhere"), "task: generate\n\(Self.generation)") == nil)
        #expect(try estimate("7k2m", "task: generate\n\(Self.generation)") == nil)
        let (_, place) = try checkpoint()
        #expect(try estimate(place, "task: convert\nconversion: {format: hf, out: o}") == nil)
        try DurableFile.write(Data("{".utf8), to: "\(place)/manifest.json")
        #expect(try estimate(place, "task: generate\n\(Self.generation)") == nil)
    }
}
