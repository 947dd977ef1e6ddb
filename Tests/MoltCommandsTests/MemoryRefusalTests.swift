import FoundationEssentials
import MoltCore
import MoltTesting
import Testing

/// What cannot fit the GPUs of a site is said before anything is submitted, as programs.
struct MemoryRefusalTests {
    private static let missing = "tensor parallelism, pipeline parallelism and sharing the optimizer's state among "
        + "ranks are not available in this version"

    private func molt(gpus: String) throws -> Molt {
        let molt = try Molt()
        try DurableFile.makeFolder(molt.folder("config/molt/sites"))
        let site = "kind: slurm\nprefix: /p\nruns: /r\ngpus: {gres: gpu\(gpus)}\n"
        try molt.write(site, to: "config/molt/sites/cluster.yaml")
        try molt.write("some text to train on\n", to: "corpus.txt")
        return molt
    }

    private func words(_ command: [String]) -> [String] {
        command + [
            "mamba2-8b", "--site", "cluster", "data.train=corpus.txt", "data.tokenizer=bytes", "train.steps=10",
        ]
    }

    @Test(arguments: [["recipe", "check"], ["submit", "--dry-run"]])
    func aModelThatCannotFitIsRefusedWhereTheMemoryIsKnown(_ command: [String]) throws {
        let molt = try molt(gpus: ", memory: 80G")
        let answer = try molt.run("\(molt.programs)/molt", words(command))
        #expect(answer.status == 2, "\(answer.out)")
        #expect(answer.error.contains("on every GPU, and a GPU has 80.0 GiB: \(Self.missing)"), "\(answer.error)")
        #expect(answer.error.contains("type: lora"), "\(answer.error)")
    }

    @Test(arguments: [["recipe", "check"], ["submit", "--dry-run"]])
    func itIsAWarningWhereNobodyKnowsTheMemory(_ command: [String]) throws {
        let molt = try molt(gpus: "")
        let answer = try molt.run("\(molt.programs)/molt", words(command))
        #expect(answer.status == 0, "\(answer.error)")
        for words in ["warning: resources: weights, gradients and optimizer take 138 GiB", Self.missing] {
            #expect(answer.out.contains(words), "\(answer.out)")
        }
    }
}
