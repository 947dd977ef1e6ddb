import ArgumentParser

struct DaemonCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "daemon", abstract: "The daemon that watches your runs; molt starts it by itself.",
        discussion: "Example:\n  molt daemon status",
        subcommands: [
            DaemonStart.self, DaemonStop.self, DaemonShow.self, DaemonAudit.self, DaemonInstall.self,
            DaemonRebuild.self, DaemonRelay.self,
        ])
}
