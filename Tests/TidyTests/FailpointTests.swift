import Testing

/// A failpoint that no program passes would be tried and found harmless for ever.
struct FailpointTests {
    /// Passed in two places: submitting and adopting go the same steps, and progress is read by the store's ledger, or
    /// by one that has no files.
    private static let twice: Set<String> = ["sendingRecorded", "submitAnswered", "outcomeRecorded", "progressRead"]

    private func names() throws -> [String] {
        let file = try #require(SourceTree.swiftSources.first { $0.path == "Sources/MoltCore/Failpoint.swift" })
        return file.code.compactMap { _, line in
            let words = line.split(separator: " ")
            guard words.count == 3, words[0] == "case", words[2] == "=" else { return nil }
            return String(words[1])
        }
    }

    /// Calls like `pass(.claimed)`, in everything that is installed.
    private func passed() -> [String: Int] {
        var count: [String: Int] = [:]
        for file in SourceTree.swiftSources where !["MoltSimulation", "MoltTesting", "molt-sim"].contains(file.module) {
            for (_, line) in file.code {
                for part in line.split(separator: "pass", omittingEmptySubsequences: false).dropFirst() {
                    guard let mark = ["ed(.", "(."].first(where: part.hasPrefix) else { continue }
                    count[String(part.dropFirst(mark.count).prefix { $0.isLetter }), default: 0] += 1
                }
            }
        }
        return count
    }

    /// Covers N1.
    @Test func everyFailpointIsPassedWhereItSaysAndNowhereElse() throws {
        let names = try names(), passed = passed()
        #expect(names.count >= 60 && Set(names).count == names.count)
        for name in names {
            #expect(passed[name, default: 0] == (Self.twice.contains(name) ? 2 : 1), "\(name)")
        }
    }
}
