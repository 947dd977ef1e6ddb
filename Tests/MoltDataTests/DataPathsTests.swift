import FoundationEssentials
import MoltCore
import MoltData
import MoltTesting
import Testing

struct DataPathsTests {
    private let folder = TemporaryFolder("paths")

    init() throws {
        for name in ["b.txt", "a.txt", "sub/c.txt", ".hidden", "d.jsonl"] {
            let path = folder(name)
            if name.contains("/") { try DurableFile.makeFolder(folder("sub")) }
            try DurableFile.write(Data("x".utf8), to: path)
        }
        try FileManager.default.createSymbolicLink(atPath: folder("link.txt"), withDestinationPath: "a.txt")
    }

    private func names(_ patterns: [String], excluding: [String] = []) throws -> [String] {
        let excluded = Set(excluding.map { DataPaths.identity(of: folder($0)) })
        return try DataPaths.resolve(patterns.map { folder($0) }, key: "data.train", excluding: excluded)
            .map { String($0.dropFirst(folder.path.utf8.count + 1)) }
    }

    @Test func aFolderGivesItsVisibleFilesSortedAndEachOnce() throws {
        let found = try DataPaths.resolve([folder.path], key: "data.train").map {
            String($0.dropFirst(folder.path.count + 1))
        }
        #expect(found == ["a.txt", "b.txt", "d.jsonl", "sub/c.txt"])
    }

    @Test func globsExpandAndRepeatedFilesCountOnce() throws {
        #expect(try names(["*.txt", "a.txt", "sub"]) == ["a.txt", "b.txt", "sub/c.txt"])
    }

    @Test func foldersLeaveOutTheValidationFilesButNamedFilesStay() throws {
        #expect(try names(["*.txt"], excluding: ["a.txt"]) == ["b.txt"])
        #expect(try names(["*.txt", "a.txt"], excluding: ["a.txt"]) == ["b.txt", "a.txt"])
    }

    @Test(arguments: [
        ("none.txt", "does not exist"), ("*.csv", "no file matches"), ("sub/c.txt/x", "does not exist"),
    ])
    func whatIsMissingIsNamed(pattern: String, expected: String) {
        let error = #expect(throws: UserError.self) { try names([pattern]) }
        #expect(error?.location == "data.train")
        #expect(error?.what.contains(expected) == true)
        #expect(error?.what.contains(pattern) == true)
    }

    @Test func anEmptyListAndAnEmptyFolderAreErrors() throws {
        #expect(throws: UserError.self) { try DataPaths.resolve([], key: "data.train") }
        try DurableFile.makeFolder(folder("empty"))
        #expect(throws: UserError.self) { try names(["empty"]) }
        #expect(throws: UserError.self) { try names(["*.jsonl"], excluding: ["d.jsonl"]) }
    }
}
