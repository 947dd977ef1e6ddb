import FoundationEssentials
import MoltTesting
import Testing

/// What can be said of the plugin without a Slurm that runs.
struct BuildTests {
    /// Covers N24.
    @Test func everyReleaseWithinReachCompilesAndTheOthersAreNamed() async throws {
        let matrix = try await Testbed.offPool { Shell.run(["\(Testbed.repository)/Scripts/compile-matrix"]) }
        #expect(matrix.status == 0, "\(matrix.output)")
        let lines = matrix.output.split(separator: "\n")
        for release in ["21.08", "22.05", "23.02", "23.11", "24.05", "24.11", "25.05", "25.11", "26.05"] {
            let line = lines.first { $0.hasPrefix(release) } ?? ""
            #expect(line.contains("plugin and shim compile") || line.contains("no headers at hand"), "\(matrix.output)")
        }
        #expect(lines.contains { $0.hasPrefix("22.05") && $0.contains("plugin and shim compile") })
        // Fewer than three count only where the matrix says which packages it could not reach, and why.
        let compiled = lines.count { $0.contains("plugin and shim compile") }
        let missed = lines.filter { $0.contains("not reached") }
        #expect(compiled >= 3 || !missed.isEmpty, "\(matrix.output)")
        print("compile matrix: \(compiled) releases compiled" + missed.map { "; \($0)" }.joined())
        // Seen in the log of the suite, where people look for what was not tried.
        print(matrix.output)
    }

    @Test func itOffersHooksAloneAndNeedsLibcAlone() throws {
        let plugin = try Plugin(), path = plugin.path
        defer { withExtendedLifetime(plugin) {} }
        let offered = Shell.run("nm -D --defined-only \(path) | awk '{print $3}'").output.split(separator: "\n")
        let names = ["plugin_name", "plugin_type", "plugin_version", "spank_plugin_version"]
        for name in offered { #expect(names.contains(String(name)) || name.hasPrefix("slurm_spank_"), "\(name)") }
        // Those whose failure drains a node are not even there.
        for hook in ["job_prolog", "job_epilog", "init_post_opt", "task_post_fork"] {
            #expect(!offered.contains("slurm_spank_\(hook)"))
        }
        #expect(offered.contains("slurm_spank_task_exit"))
        let needed = Shell.run("readelf -d \(path) | grep NEEDED").output
        #expect(needed.contains("libc.so.6") && needed.split(separator: "\n").count == 1, "\(needed)")
        let wanted = Shell.run("nm -D --undefined-only \(path) | awk '{print $2}'").output.split(separator: "\n")
        #expect(wanted.contains("spank_getenv"))
        for name in wanted {
            #expect(!name.hasPrefix("pthread") && !name.hasPrefix("malloc") && !name.hasPrefix("thrd"), "\(name)")
            let isOfSlurm = name.hasPrefix("slurm") && !["slurm_error", "slurm_debug", "slurm_spank_log"].contains(name)
            #expect(!isOfSlurm, "\(name)")
        }
    }

    /// What runs as root has at most 600 lines; the rest only ever has a user's rights.
    @Test func itsCodeStaysSmallEnoughToBeReviewed() throws {
        let lines = { (files: String) in
            let count = Shell.run("cd \(Plugin.source) && cat \(files) | grep -cvE '^[[:space:]]*(//.*)?$'").output
            return Int(count.split(separator: "\n").first ?? "") ?? .max
        }
        let named = Shell.run("sed -n 's/^ROOT_SOURCES = //p' \(Plugin.source)/Makefile").output
        let root = named.split(separator: "\n").first.map(String.init) ?? ""
        #expect(root.split(separator: " ").contains("spank_molt.c") && root.split(separator: " ").contains("child.c"))
        let privileged = lines("\(root) molt.h rank.h"), all = lines("*.[ch]")
        #expect(privileged > 300 && privileged <= 600, "\(privileged) lines of code that run as root")
        #expect(all <= 1200, "\(all) lines of code")
    }

    @Test func itIsInstalledOnlyForTheSlurmThatItWasBuiltFor() throws {
        let temporary = TemporaryFolder("install"), folder = temporary.path
        defer { withExtendedLifetime(temporary) {} }
        let right = Plugin.make(["install", "OUT=\(folder)/right", "DESTDIR=\(folder)/root"])
        #expect(right.status == 0, "\(right.output)")
        #expect(right.output.contains("optional /"), "the line for plugstack.conf")
        #expect(Shell.run("find \(folder)/root -name spank_molt.so | grep -c .").output.hasPrefix("1"))

        Shell.run("mkdir -p \(folder)/other && cp -r /usr/include/slurm \(folder)/other/")
        Shell.run("sed -i 's/^#define SLURM_VERSION_NUMBER .*/#define SLURM_VERSION_NUMBER 0x190500/' "
            + "\(folder)/other/slurm/slurm_version.h")
        let other = ["OUT=\(folder)/wrong", "DESTDIR=\(folder)/no", "SLURM_CFLAGS=-I\(folder)/other"]
        let wrong = Plugin.make(["install"] + other)
        #expect(wrong.status != 0 && wrong.output.contains("these headers are of Slurm 25.05"), "\(wrong.output)")
        #expect(!FileManager.default.fileExists(atPath: "\(folder)/no"))
        #expect(Plugin.make(["install", "FORCE=1"] + other).status == 0)
    }
}
