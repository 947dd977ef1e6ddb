import Dispatch
import MoltCore
import MoltTokenizers

/// How fast a tokenizer encodes the lines of a file, on one thread.
package struct TokenizerBenchmark: Codable, Sendable {
    /// Of the fastest round.
    package var seconds: Double
    package var bytes: Int
    package var tokens: Int

    package static func run(tokenizer: String, file: String, repetitions: Int) throws -> TokenizerBenchmark {
        let tokenizer = try TokenizerFile.open(tokenizer, key: "tokenizer")
        let lines = [UInt8](try DurableFile.read(file, limit: 1 << 30)).split(
            separator: 0x0A, omittingEmptySubsequences: false
        ).map { Array($0) }
        var result = TokenizerBenchmark(seconds: .infinity, bytes: lines.reduce(0) { $0 + $1.count }, tokens: 0)
        for _ in 0..<max(1, repetitions) {
            let began = DispatchTime.now().uptimeNanoseconds
            result.tokens = 0
            for line in lines { result.tokens += try tokenizer.encode(line).count }
            result.seconds = min(result.seconds, Double(DispatchTime.now().uptimeNanoseconds - began) / 1e9)
        }
        return result
    }
}
