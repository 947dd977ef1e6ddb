import ArgumentParser
import FoundationEssentials
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

struct DaemonInstall: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install", abstract: "Let systemd keep the daemon running, as a service of yours.",
        discussion: """
            Writes the user unit ~/.config/systemd/user/moltd.service; a unit that is not Molt's is left alone. It is
            not needed where you log in often: molt starts the daemon by itself.

            Example:
              molt daemon install
              molt daemon install --print
            """)

    @Flag(name: .long, help: "Write the unit to standard output, and nothing else.")
    var print = false

    @OptionGroup var output: OutputOptions

    private struct Installed: Encodable {
        var path: String
        var command: String
        var warnings: [String]
    }

    func run() async throws {
        let settings = Settings.fromEnvironment(), environment = ProcessInfo.processInfo.environment
        let program = UserUnit.program(in: settings.programs) { path in
            guard let found = realpath(path, nil) else { return nil }
            defer { free(found) }
            return String(cString: found)
        }
        // The rest of the surroundings that Molt reads; of systemd a daemon gets next to nothing.
        let kept = ["PATH", "XDG_CONFIG_HOME", "SLURM_CONF"].compactMap { name in
            environment[name].flatMap { $0.isEmpty ? nil : (name: name, value: $0) }
        }
        let unit = try UserUnit(program: program, environment: [(name: "MOLT_HOME", value: settings.home)] + kept)
        guard !print else { return Console.raw(unit.text) }
        let folder = Self.folder(environment), path = "\(folder)/\(UserUnit.name)"
        try Self.write(unit, to: path, folder: folder)
        let result = Installed(
            path: path, command: "systemctl --user daemon-reload && systemctl --user enable --now moltd",
            warnings: Logout.look(user: Logout.userName()).warnings)
        try Output.render(result, json: output.json) { _ in
            ["wrote \(path)", "to start it now and at every boot:"]
                + (DaemonLink(settings: settings).locate() == .nowhere ? [] : ["  molt daemon stop"])
                + ["  \(result.command)"] + result.warnings.map { "warning: \($0)" }
        }
    }

    private static func folder(_ environment: [String: String]) -> String {
        let chosen = environment["XDG_CONFIG_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
        return "\(chosen ?? "\(environment["HOME"] ?? "/")/.config")/systemd/user"
    }

    private static func write(_ unit: UserUnit, to path: String, folder: String) throws(CommandFailure) {
        let old: String?
        do throws(FileError) { old = try existing(path) } catch {
            throw .unavailable("\(error)", fix: "see what lies there")
        }
        guard old?.hasPrefix(UserUnit.mark) != false else {
            throw CommandFailure(
                UserError(
                    "there is a unit that Molt has not written", at: path,
                    fix: "move it away, or look at what Molt's would be: molt daemon install --print"),
                exit: .negative)
        }
        do throws(FileError) {
            try DurableFile.makeFolder(folder)
            try DurableFile.write(Data(unit.text.utf8), to: path)
        } catch {
            throw .unavailable("\(error)", fix: "make that folder writable for you")
        }
    }

    private static func existing(_ path: String) throws(FileError) -> String? {
        do throws(FileError) {
            return String(decoding: try DurableFile.read(path, limit: 1 << 20), as: UTF8.self)
        } catch {
            guard error.code == ENOENT else { throw error }
            return nil
        }
    }
}
