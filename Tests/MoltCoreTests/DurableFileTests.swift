import FoundationEssentials
import MoltCore
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

struct DurableFileTests {
    private func inFolder(_ body: (String) throws -> Void) throws {
        let folder = TemporaryFolder("core")
        try body(folder.path)
    }

    @Test func aWriteReplacesTheWholeFileAndLeavesNothingElse() throws {
        try inFolder { folder in
            try DurableFile.write(Data("first".utf8), to: "\(folder)/a")
            try DurableFile.write(Data("2".utf8), to: "\(folder)/a")
            #expect(try DurableFile.read("\(folder)/a") == Data("2".utf8))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["a"])
        }
    }

    @Test func onlyOneOfManyCreatorsWins() throws {
        try inFolder { folder in
            try DurableFile.createExclusively(Data("mine".utf8), at: "\(folder)/1")
            let error = #expect(throws: FileError.self) {
                try DurableFile.createExclusively(Data("yours".utf8), at: "\(folder)/1")
            }
            #expect(error?.code == EEXIST)
            #expect(try DurableFile.read("\(folder)/1") == Data("mine".utf8))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["1"])
        }
    }

    @Test func aNameThatWeAlreadyGotIsOurs() throws {
        try inFolder { folder in
            try DurableFile.write(Data("mine".utf8), to: "\(folder)/new")
            // What is left when the answer to a request is lost and the request is repeated.
            try #require(link("\(folder)/new", "\(folder)/1") == 0)
            try DurableFile.give("\(folder)/new", theName: "\(folder)/1")
            try DurableFile.write(Data("yours".utf8), to: "\(folder)/other")
            let error = #expect(throws: FileError.self) {
                try DurableFile.give("\(folder)/other", theName: "\(folder)/1")
            }
            #expect(error?.code == EEXIST)
        }
    }

    @Test func filesArePrivate() throws {
        try inFolder { folder in
            try DurableFile.write(Data(), to: "\(folder)/a")
            var status = stat()
            #expect(stat("\(folder)/a", &status) == 0)
            #expect(status.st_mode & 0o777 == 0o600)
        }
    }

    @Test func aFailureNamesTheOperationAndThePath() {
        let error = #expect(throws: FileError.self) { try DurableFile.write(Data(), to: "/no/such/folder/file") }
        #expect(error?.description.hasPrefix("cannot create /no/such/folder/file") == true)
        #expect(error?.description.contains("No such file") == true)
    }

    @Test func readingStopsAtTheLimit() throws {
        try inFolder { folder in
            try DurableFile.write(Data(repeating: 1, count: 100), to: "\(folder)/a")
            let error = #expect(throws: FileError.self) { try DurableFile.read("\(folder)/a", limit: 99) }
            #expect(error?.code == EFBIG)
        }
    }

    @Test func equalValuesAreEqualBytes() throws {
        let plan = RunEvent(.step, at: 1.5, step: 3)
        #expect(try JSONFile.encode(plan) == Data(#"{"kind":"step","step":3,"t":1.5}"#.utf8))
    }
}

struct ProcessIdentityTests {
    @Test func thisVeryProgramIsAlive() {
        #expect(ProcessIdentity.current().isAlive)
    }

    @Test func aLaterOwnerOfTheNumberIsSomeoneElse() {
        var other = ProcessIdentity.current()
        other.startTicks += 1
        #expect(!other.isAlive)
        other = ProcessIdentity.current()
        other.bootID = "another boot"
        #expect(!other.isAlive)
    }

    @Test func aNameWithBracketsAndSpacesIsParsed() {
        let rest = "S 1 22 33 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1000"
        let stat = ProcStat(parsing: "42 (a ) b) \(rest)")
        #expect(stat?.parent == 1)
        #expect(stat?.processGroup == 22)
        #expect(stat?.session == 33)
        #expect(stat?.startTicks == 98765)
    }
}
