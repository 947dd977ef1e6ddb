import FoundationEssentials
import MoltRecipe
import MoltTesting
import Testing

struct DataFilesTests {
    @Test func missingEmptyAndUnmatchedFilesAreNamed() throws {
        let folder = TemporaryFolder("data")
        try Data("hello".utf8).write(to: URL(filePath: folder("good.txt")))
        try Data().write(to: URL(filePath: folder("empty.txt")))
        func complaints(_ path: String) throws -> String {
            let recipe = try RecipeFixture.load("extends: base", "data.train=\(folder(path))")
            return DataFiles.problems(recipe).map(\.description).joined(separator: "\n")
        }
        #expect(try complaints("good.txt") == "")
        #expect(try complaints("*.txt").contains("is empty"))
        #expect(try complaints("g*.txt") == "")
        #expect(try complaints("none.txt").contains("there is no file \(folder("none.txt"))"))
        #expect(try complaints("*.json").contains("no file matches"))
        #expect(try complaints("empty.txt").contains("is empty"))
    }

    @Test func aMissingCheckpointIsNamedAndARunIDIsLeftAlone() throws {
        let missing = try RecipeFixture.load(
            "extends: base", "init_from=/nonexistent/model", "data.train=/etc/hostname")
        #expect(DataFiles.problems(missing).map(\.key) == ["init_from"])
        let run = try RecipeFixture.load("extends: base", "init_from=abcd1234", "data.train=/etc/hostname")
        #expect(DataFiles.problems(run).isEmpty)
    }

    @Test func memoryFileSystemsAreWarnedOfOnACluster() throws {
        let recipe = try RecipeFixture.load("extends: base", "data.train=/dev/shm")
        let cluster = Site(name: "cluster", kind: .slurm, prefix: "/p", runs: "/nonexistent/runs")
        let warnings = DataWarnings.warnings(recipe, site: cluster)
        #expect(warnings.count == 1)
        #expect(warnings.first?.contains("data.train") == true)
        #expect(DataWarnings.warnings(recipe, site: Site(name: "local", kind: .local, prefix: "", runs: "")).isEmpty)
    }

    @Test func theMountTableFindsTheFileSystemOfAPath() {
        let table = MountTable(parsing: """
            22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
            30 22 0:40 / /home/shared\\040disk rw - nfs4 server:/export rw
            31 22 0:41 / /dev/shm rw - tmpfs tmpfs rw
            32 22 0:42 / /lustre rw - lustre mgs:/fs rw
            """)
        #expect(table.mount(of: "/home/x")?.type == "ext4")
        #expect(table.mount(of: "/home/shared disk/x")?.isNetwork == true)
        #expect(table.mount(of: "/dev/shm")?.isMemory == true)
        #expect(table.mount(of: "/lustrex")?.type == "ext4")
        #expect(table.mount(of: "/lustre/a")?.isNetwork == true)
    }
}
