import FoundationEssentials
import Testing

/// `molt model ls` and `molt model show`, as programs.
struct ModelTests {
    private struct Card: Decodable {
        var name: String
        var parameters: Int
        var activeParameters: Int
        var stateBytes: Int
        var cacheBytesPerToken: Int
        var memoryTotal: Double
        var unavailable: [String]
    }

    private func cards(_ molt: Molt, _ further: String...) throws -> [Card] {
        let answer = try molt.run("\(molt.programs)/molt", ["model", "ls", "--json"] + further)
        #expect(answer.status == 0, "\(answer.error)")
        return try JSONDecoder().decode([Card].self, from: Data(answer.out.utf8))
    }

    @Test func everyModelIsListedWithItsCounts() throws {
        let list = try cards(Molt(), "--length", "8192")
        #expect(list.count > 50)
        let nemotron = try #require(list.first { $0.name == "nemotron-h-8b" })
        #expect(abs(Double(nemotron.parameters) / 1e9 - 8.101) < 0.001)
        // Keys and values of 4 layers, 8 heads of 128, two bytes each.
        #expect(nemotron.cacheBytesPerToken == 4 * 2 * 8 * 128 * 2)
        let mamba = try #require(list.first { $0.name == "mamba2-2.7b" })
        #expect(mamba.cacheBytesPerToken == 0)
        #expect(mamba.stateBytes > 64 * 80 * 64 * 128 * 4)
        let experts = try #require(list.first { $0.name == "granite-4.0-h-small" })
        #expect(experts.activeParameters < experts.parameters / 3)
    }

    @Test func cuttingAModelUpTakesLessMemoryAGPU() throws {
        let molt = try Molt()
        func memory(_ further: String...) throws -> Double {
            let answer = try molt.run(
                "\(molt.programs)/molt", ["model", "show", "nemotron-h-8b", "--json"] + further)
            return try JSONDecoder().decode(Card.self, from: Data(answer.out.utf8)).memoryTotal
        }
        let whole = try memory(), eighth = try memory("--tensor", "8"), shared = try memory("--data", "64")
        #expect(eighth < whole / 6)
        // 8 of the 18 bytes a parameter are the optimizer's.
        #expect(abs((whole - shared) - 8.101e9 * 8 * 63 / 64) < 0.01 * whole)
    }

    /// By hand, a model of each family: states in fp32 (S4D's and DSS's in fp64), the three last inputs of
    /// convolutions, and keys and values, of a window or of every token, in bf16.
    static let kept: [String: (state: Int, cache: Int)] = [
        "mamba2-130m": (24 * (24 * 64 * 128 * 4 + 1792 * 3 * 2), 0),
        // Queries, keys and values pass a convolution, too.
        "mamba2attn-2.7b": (
            58 * (80 * 64 * 128 * 4 + 5376 * 3 * 2) + 6 * (3 * 30 * 128 * 3 * 2), 6 * 2 * 30 * 128 * 2
        ),
        "mamba2-hybrid-8b": (24 * (128 * 64 * 128 * 4 + 10240 * 3 * 2), 4 * 2 * 8 * 128 * 2),
        "nemotron-h-56b": (54 * (256 * 64 * 256 * 4 + 20480 * 3 * 2), 10 * 2 * 8 * 128 * 2),
        "nemotron-nano-9b-v2": (27 * (128 * 80 * 128 * 4 + 12288 * 3 * 2), 4 * 2 * 8 * 128 * 2),
        "bamba-9b": (29 * (128 * 64 * 128 * 4 + 8448 * 3 * 2), 3 * 2 * 8 * 128 * 2),
        "granite-4.0-h-tiny": (36 * (48 * 64 * 128 * 4 + 3328 * 3 * 2), 4 * 2 * 4 * 128 * 2),
        "recurrentgemma-2b": (18 * (2560 * 4 + 2560 * 3 * 2) + 8 * (2 * 1 * 256 * 2048 * 2), 0),
        "griffin-7b": (22 * (5632 * 4 + 5632 * 3 * 2) + 10 * (2 * 1 * 128 * 1024 * 2), 0),
        "samba-421m": (6 * (3072 * 16 * 4 + 3072 * 3 * 2) + 6 * (2 * 12 * 128 * 2048 * 2), 0),
        "mambaformer-tiny": (3 * (256 * 16 * 4 + 256 * 3 * 2), 2 * 2 * 4 * 32 * 2),
        "s4d-tiny": (4 * (256 * 32 * 2 * 8), 0), "dss-tiny": (4 * (256 * 64 * 2 * 8), 0),
    ]

    @Test func whatGenerationKeepsIsWhatTheShapesSay() throws {
        let list = try cards(Molt())
        for (name, bytes) in Self.kept {
            let card = try #require(list.first { $0.name == name })
            #expect(card.stateBytes == bytes.state, "\(name)")
            #expect(card.cacheBytesPerToken == bytes.cache, "\(name)")
        }
    }

    /// The estimate is for what this version cannot do, and says so.
    @Test func aSplitThatIsNotThereIsNamed() throws {
        let molt = try Molt()
        let words = "tensor parallelism and sharing the optimizer's state among ranks are not available in this version"
        for command in [["model", "ls"], ["model", "show", "nemotron-h-8b"]] {
            let answer = try molt.run("\(molt.programs)/molt", command + ["--tensor", "8", "--data", "64"])
            #expect(answer.status == 0 && answer.out.contains("note: \(words)"), "\(answer.out) \(answer.error)")
            let plain = try molt.run("\(molt.programs)/molt", command)
            #expect(plain.status == 0 && !plain.out.contains("not available"), "\(plain.out)")
            let help = try molt.run("\(molt.programs)/molt", Array(command.prefix(2)) + ["--help"])
            let flat = help.out.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            #expect(flat.split(separator: "not available in this version").count == 4, "\(help.out)")
        }
        #expect(try cards(molt).allSatisfy(\.unavailable.isEmpty))
        let pipeline = try cards(molt, "--pipeline", "2")
        #expect(pipeline.allSatisfy { $0.unavailable == ["pipeline parallelism"] })
    }

    @Test func theLayersAreDrawnAndCounted() throws {
        let molt = try Molt(), answer = try molt("model", "show", "nemotron-h-8b")
        #expect(answer.status == 0, "\(answer.error)")
        for text in ["M-M-M -M*-M", "M Mamba-2 × 24", "* attention × 4", "- MLP × 24", "8.1 B", "16.0 KiB"] {
            #expect(answer.out.contains(text), "\(text) in\n\(answer.out)")
        }
    }

    @Test func aWrongNumberIsRefused() throws {
        let answer = try Molt()("model", "ls", "--tensor", "0")
        #expect(answer.status == 2)
        #expect(answer.error.contains("--tensor must be at least 1"))
    }
}
