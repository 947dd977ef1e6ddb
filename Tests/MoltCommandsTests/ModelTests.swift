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
