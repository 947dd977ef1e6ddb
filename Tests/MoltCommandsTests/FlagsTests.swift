import ArgumentParser
import FoundationEssentials
import MoltCommands
import Testing

/// The command line is small and frozen: what is in this list is promised, everything else is not there.
struct FlagsTests {
    private static let expected = """
        molt adopt [--json --run --site -s] job
        molt cancel [--json] runs
        molt daemon audit [--json --last --verify]
        molt daemon install [--json --print]
        molt daemon rebuild [--json --yes]
        molt daemon start [--json]
        molt daemon status [--json]
        molt daemon stop
        molt data export [--megatron --split] folder
        molt data prepare [--nodes --out --site --tokenizer] files
        molt data report [--json --sequence-length --tokenizer] files
        molt doctor [--json --site -s] recipe key=value
        molt drill [--for --json --within] fault run
        molt du [--json] runs
        molt edit [--json] run key=value
        molt eval measure [--checkpoint --data --json --site --task] model
        molt eval show [--json --last --task] run
        molt events [--json] run
        molt extend [--json] run key=value
        molt generate [--out --prompt --prompts --site] model
        molt hold [--json] runs
        molt logs [--attempt --follow --json --rank -f] run
        molt ls [--all --json --limit --name --quiet --state -a -l -n -q]
        molt model adapter export [--json --out] model
        molt model adapter import [--base --json --out] folder
        molt model adapter merge [--json --out] model
        molt model export [--device --dtype --format --json --out --shard-bytes --site --tensor-parallel] \
        model key=value
        molt model import [--device --dtype --format --json --out --site --tokenizer] folder key=value
        molt model logits [--device --dtype --out --tokens] model
        molt model ls [--data --json --length --pipeline --tensor]
        molt model show [--data --json --length --pipeline --tensor] name
        molt model verify [--device --json] model other
        molt prune [--dry-run --include-set-aside --json --keep] runs
        molt recipe check [--json --site -s] recipe key=value
        molt recipe ls [--json]
        molt recipe render [--json --site -s] recipe key=value
        molt recipe show [--json] recipe key=value
        molt release [--forgotten --json --site -s] runs
        molt report [--by --json --since] runs
        molt resume [--from --json] runs
        molt rm runs
        molt show [--json --no-plot --plot] run
        molt stop [--json] runs
        molt submit [--dry-run --hold --json --name --site --trust --wait --yes -n -s -w] recipe key=value
        molt why [--json] run
        """

    private struct Dump: Decodable {
        var command: Command

        struct Command: Decodable {
            var commandName: String
            var superCommands: [String]?
            var subcommands: [Command]?
            var arguments: [Argument]?
            var discussion: String?
            var abstract: String?
            var shouldDisplay: Bool
        }

        struct Argument: Decodable {
            var kind: String
            var shouldDisplay: Bool
            var names: [Name]?
            var valueName: String?

            struct Name: Decodable {
                var kind: String
                var name: String
            }
        }
    }

    private func leaves() throws -> [Dump.Command] {
        func below(_ command: Dump.Command) -> [Dump.Command] {
            let children = (command.subcommands ?? []).filter { $0.commandName != "help" && $0.shouldDisplay }
            return children.isEmpty ? [command] : children.flatMap(below)
        }
        let text = MoltCommand._dumpHelp()
        return below(try JSONDecoder().decode(Dump.self, from: Data(text.utf8)).command)
    }

    @Test func everyFlagIsListedHere() throws {
        let lines = try leaves().map { command in
            let shown = (command.arguments ?? []).filter(\.shouldDisplay)
            let names = shown.flatMap { $0.names ?? [] }.map { ($0.kind == "short" ? "-" : "--") + $0.name }
            let own = Set(names).subtracting(["--help", "-h", "--version"]).sorted()
            let positions = shown.filter { $0.kind == "positional" }.compactMap(\.valueName)
            let words = (command.superCommands ?? []) + [command.commandName]
                + (own.isEmpty ? [] : ["[\(own.joined(separator: " "))]"]) + positions
            return words.joined(separator: " ")
        }
        #expect(lines.sorted().joined(separator: "\n") == Self.expected)
    }

    @Test(arguments: [
        (["eval", "7k2m", "--task", "recall", "--sizes", "4,8"], "EvalMeasure"),
        (["eval", "measure", "7k2m", "--task", "recall"], "EvalMeasure"), (["eval", "show", "7k2m"], "EvalShow"),
    ]) func anEvaluationNeedsNoVerb(_ words: [String], _ expected: String) throws {
        #expect("\(type(of: try MoltCommand.parseAsRoot(words)))" == expected)
    }

    @Test func everyHelpCarriesAnExample() throws {
        for command in try leaves() {
            let text = command.discussion ?? ""
            #expect(text.contains("Example:") && text.contains("molt "), "\(command.commandName)")
            #expect(command.abstract?.isEmpty == false, "\(command.commandName)")
        }
    }
}
