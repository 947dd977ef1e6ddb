import ArgumentParser
import MoltAPI
import MoltCore
import MoltRecipe

struct RunAdopt: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adopt", abstract: "Make a job that you submitted by hand a run.",
        discussion: """
            Molt shows it, releases it after a preemption, and puts it back into the queue when its node fails or \
            when it ends with status 75, which means "continue me". That it is done only the Slurm plugin can prove: \
            where it is installed, sbatch --molt=NAME does the same, and more.

            Example:
              molt adopt 4711
              molt adopt 4711 --run support-bot --site cluster
            """)

    @Argument(help: "The number of a job of yours that has not ended.")
    var job: UInt32

    @Option(name: .long, help: "The run's name; an attempt of the one that has it already.")
    var run: String?

    @Option(name: [.short, .long], help: "The cluster; may be left out when there is only one.")
    var site: String?

    @OptionGroup var output: OutputOptions

    func run() async throws {
        let settings = Settings.fromEnvironment()
        let site = try site ?? Self.onlyCluster(settings)
        let client = try await DaemonLink(settings: settings).client()
        let result = try await client.adopt(AdoptRequest(job: job, site: site, run: run))
        for warning in result.warnings { Console.error("warning: " + DisplayText.escaped(warning)) }
        let number = job
        try Output.render(result, json: output.json) { _ in
            ["\(result.id)  \(DisplayText.escaped(result.name))  job \(number) on \(result.site)"]
        }
    }

    private static func onlyCluster(_ settings: Settings) throws -> String {
        let names = try Workshop(settings: settings).sites.names().filter { $0 != "local" }
        guard let only = names.first, names.count == 1 else {
            let list = names.isEmpty
                ? "no site is described; write ~/.config/molt/sites/NAME.yaml first (README, The same on a cluster)"
                : "say --site with one of: " + names.joined(separator: ", ")
            throw UserError("which cluster has the job?", at: "--site", fix: list)
        }
        return only
    }
}
