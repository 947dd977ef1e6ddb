import FoundationEssentials
import MoltAPI
import MoltCore
import MoltRecipe

/// Collects the doctor's facts; nothing here judges.
enum DoctorGather {
    /// - Parameter recipe: a recipe with changes that is to run there.
    static func facts(
        site name: String, recipe: (name: String, changes: [String])?, settings: Settings
    ) async throws -> DoctorFacts {
        let workshop = try Workshop(settings: settings)
        let site = try workshop.sites.load(name)
        // A built-in one is not complete without the user's data.
        let loaded = try recipe.map { recipe in
            try workshop.load(recipe.name, overrides: recipe.changes, isComplete: false).recipe
        }
        var facts = DoctorFacts(
            version: MoltVersion.current, home: .look(settings.home), site: name, isSlurm: site.kind == .slurm,
            runs: .look(site.runs))
        facts.allowedPartitions = site.partitions.allowed
        facts.defaultPartition = site.partitions.default
        facts.recipe = loaded
        facts.pollMaximum = site.poll.max
        let programs: String
        if site.kind == .slurm {
            let prefix = "\(site.prefix)/\(MoltVersion.current)"
            facts.prefix = .look(prefix)
            programs = "\(prefix)/bin"
        } else {
            programs = settings.programs
        }
        facts.missingPrograms = ["molt-job", "molt-train"].filter {
            !FileManager.default.isExecutableFile(atPath: "\(programs)/\($0)")
        }
        facts.engineProblem = engineProblem("\(programs)/molt-train")
        let logout = Logout.look(user: Logout.userName())
        facts.killsUserProcesses = logout.killsProcesses && !logout.lingers
        await askDaemon(&facts, settings: settings)
        facts.audit = AuditTrail(home: settings.home).verify()
        facts.exposure = exposure(of: site, programs: programs, daemon: facts.daemon, settings: settings)
        return facts
    }

    private static func exposure(
        of site: Site, programs: String, daemon: DaemonStatus?, settings: Settings
    ) -> Exposure {
        let environment = ProcessInfo.processInfo.environment, user = environment["HOME"] ?? "/"
        let chosen = environment["XDG_CONFIG_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
        let conf = site.slurmConfiguration ?? environment["SLURM_CONF"] ?? "/etc/slurm/slurm.conf"
        return Exposure.look(
            home: settings.home, sites: "\(chosen ?? user + "/.config")/molt/sites",
            secrets: "\(user)/.config/molt/secrets", runs: site.runs, programs: programs,
            tokenFile: site.rest?.tokenFile, slurmUser: site.kind == .slurm ? Exposure.slurmUser(in: conf) : nil,
            daemon: daemon.flatMap { $0.host == settings.host ? $0.pid : nil }, user: settings.userID)
    }

    private static func engineProblem(_ program: String) -> String? {
        guard FileManager.default.isExecutableFile(atPath: program) else { return "it is not there" }
        let answer = Child.output(of: program, arguments: ["--version"], seconds: 20, limit: 4096)
        return answer == nil ? "'\(program) --version' fails" : nil
    }

    private static func askDaemon(_ facts: inout DoctorFacts, settings: Settings) async {
        do {
            let client = try await DaemonLink(settings: settings).client()
            facts.daemon = try await client.daemonStatus()
            do throws(ClientError) {
                facts.report = try await client.siteReport(facts.site)
            } catch {
                facts.reportProblem = error.failure.message?.what
            }
        } catch let error as ClientError {
            facts.daemonProblem = error.failure.message?.what
        } catch {
            facts.daemonProblem = (error as? CommandFailure)?.message?.what ?? "\(error)"
        }
    }
}
