import MoltCommands

#if canImport(Glibc)
import Glibc
#endif

@main
struct MoltMain {
    static func main() async {
        exit(await MoltProgram.run(Array(CommandLine.arguments.dropFirst())))
    }
}
