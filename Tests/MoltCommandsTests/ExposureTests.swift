import FoundationEssentials
import MoltCommands
import MoltCore
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// What others could read, change or reach.
struct ExposureTests {
    private let folder = TemporaryFolder("exposure")

    /// - Parameter daemon: nobody's by default: other tests open ports of this process.
    private func look(daemon: Int32? = nil, _ change: (inout String) -> Void = { _ in }) -> Exposure {
        var slurmUser = "nobody-here"
        change(&slurmUser)
        return Exposure.look(
            home: folder("home"), sites: folder("sites"), secrets: folder("secrets"), runs: folder("runs"),
            programs: folder("bin"), tokenFile: folder("token"), slurmUser: slurmUser, daemon: daemon, user: 4242)
    }

    private func prepare() throws {
        for name in ["home", "sites", "secrets", "runs/7k2m", "bin"] { try DurableFile.makeFolder(folder(name)) }
        for name in ["home/molt.sqlite", "sites/c.yaml", "secrets/hf", "bin/molt-job", "token"] {
            try DurableFile.write(Data("x".utf8), to: folder(name))
        }
    }

    @Test func whatIsTheUsersAloneIsNotNamed() throws {
        try prepare()
        #expect(look() == Exposure())
        // Of what is not there nothing is said.
        try FileManager.default.removeItem(atPath: folder("secrets"))
        #expect(look() == Exposure())
    }

    enum List { case writable, readable, openSecrets }

    @Test(arguments: [
        ("home", 0o703, .writable), ("sites/c.yaml", 0o602, .writable), ("runs/7k2m", 0o702, .writable),
        ("bin/molt-job", 0o702, .writable), ("bin", 0o777, .writable), ("home/molt.sqlite", 0o640, .readable),
        ("runs/7k2m", 0o705, .readable), ("secrets/hf", 0o640, .openSecrets), ("token", 0o604, .openSecrets),
    ] as [(String, Int, List)])
    func whatIsOpenIsNamed(_ name: String, _ mode: Int, _ list: List) throws {
        try prepare()
        #expect(chmod(folder(name), mode_t(mode)) == 0)
        let found = look()
        let named = switch list {
        case .writable: found.writable
        case .readable: found.readable
        case .openSecrets: found.openSecrets
        }
        #expect(named == [folder(name)])
    }

    /// /tmp is such a folder: anybody may write, nobody may replace what others wrote.
    @Test func aStickyFolderIsNoDanger() throws {
        try prepare()
        #expect(chmod(folder("runs"), 0o1777) == 0)
        #expect(look().writable.isEmpty)
    }

    @Test(arguments: [
        ("ClusterName=x\nSlurmUser = ada # the boss\n", "ada"), ("slurmuser=ada(1000)\n", "ada"),
        ("#SlurmUser=ada\n", "root"), ("SlurmdUser=ada\n", "root"),
    ])
    func theUserOfASlurmIsReadFromItsSettings(_ text: String, _ user: String) throws {
        try DurableFile.write(Data(text.utf8), to: folder("slurm.conf"))
        #expect(Exposure.slurmUser(in: folder("slurm.conf")) == user)
    }

    @Test func whoIsTheSlurmUserIsTold() throws {
        try prepare()
        #expect(look { $0 = "4242" }.isSlurmUser)
        #expect(!look { $0 = "root" }.isSlurmUser)
        #expect(Exposure.slurmUser(in: folder("missing")) == nil)
    }

    /// A socket of this very process, first at this machine's own address, then at all of them.
    @Test func aSocketThatOtherMachinesReachIsFound() throws {
        func listen(at address: UInt32) throws -> (descriptor: Int32, port: UInt16) {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var name = sockaddr_in()
            name.sin_family = sa_family_t(AF_INET)
            name.sin_addr.s_addr = address.bigEndian
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let bound = withUnsafeMutablePointer(to: &name) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                    bind(descriptor, raw, length) == 0 && Glibc.listen(descriptor, 1) == 0
                        && getsockname(descriptor, raw, &length) == 0
                }
            }
            try #require(bound)
            return (descriptor, UInt16(bigEndian: name.sin_port))
        }
        let own = try listen(at: 0x7f00_0001), open = try listen(at: 0)
        defer { [own, open].forEach { close($0.descriptor) } }
        let found = look(daemon: getpid()).ports
        #expect(found.contains("port \(open.port)") && !found.contains("port \(own.port)"), "\(found)")
    }

    /// Releases and how many of the four published groups of holes each has, by SchedMD's change logs.
    @Test(arguments: [
        ("slurm 21.08.8", 4), ("slurm 22.05.8", 4), ("slurm 22.05.10", 3), ("slurm 22.05.11", 2),
        ("slurm 23.02.7", 2), ("slurm 23.11.0", 3), ("slurm 23.11.11", 1), ("slurm 24.05.7", 2), ("slurm 24.11.5", 1),
        ("slurm 25.05.8", 1), ("slurm 25.05.9", 0), ("slurm 25.11.7", 1), ("slurm 25.11.8", 0),
        ("slurm 26.05.3", 1), ("slurm 26.05.4", 0), ("slurm 26.11.0", 0), ("slurm 22.05.8-rc1", 4),
        ("local", nil), ("slurm", nil), ("slurm x.y.z", nil), ("slurm 22.05", nil),
    ] as [(String, Int?)])
    func publishedHolesAreKnownByTheRelease(_ version: String, _ count: Int?) {
        #expect(SlurmAdvisories.of(version)?.count == count)
    }
}
