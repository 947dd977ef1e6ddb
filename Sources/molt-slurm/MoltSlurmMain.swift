import CSlurm
import FoundationEssentials
import Glibc
import MoltCore
import MoltScheduler

/// Answers one call after the other on standard input and output, until the input closes.
@main
struct MoltSlurmMain {
    static func main() {
        if CommandLine.arguments.dropFirst().first == "--version" {
            let built = molt_slurm_built_for()
            // Slurm counts its releases by the month, in two digits.
            let month = built >> 8 & 0xff
            let release = "\(built >> 16).\(month < 10 ? "0" : "")\(month).\(built & 0xff)"
            write("molt-slurm \(MoltVersion.current), built for Slurm \(release)\n")
            return
        }
        let refused = molt_slurm_confine()
        guard refused == 0 else { fail("cannot give up privileges: \(String(cString: strerror(refused)))") }
        // libslurm writes messages of its own: they must not get between ours.
        let output = dup(1)
        guard output >= 0, dup2(2, 1) >= 0 else { fail("cannot set standard output aside") }
        signal(SIGPIPE, SIG_IGN)
        molt_slurm_start()
        while true {
            do throws(Frame.Failure) {
                let call = try Frame.read(from: 0, before: nil)
                pass(.callRead)
                let answer = reply(to: call)
                pass(.callCarriedOut)
                try Frame.write(answer, to: output, before: nil)
                pass(.callAnswered)
            } catch {
                guard error != .closed else { return }
                fail("cannot go on: \(error)")
            }
        }
    }

    /// A helper that fails is a helper that ends: the daemon starts another.
    static func pass(_ point: Failpoint) {
        do throws(InjectedFailure) {
            try Failpoints.pass(point)
        } catch {
            fail("\(error)")
        }
    }

    private static func reply(to message: Data) -> Data {
        let answer: SlurmAnswer
        do {
            let call = try BoundedJSON().decode(SlurmCall.self, from: message)
            answer = call.version == SlurmCall.currentVersion
                ? SlurmService.perform(call.operation)
                : .misunderstood("version \(call.version); this is version \(SlurmCall.currentVersion)")
        } catch {
            answer = .misunderstood(DisplayText.escaped("\(error)", limit: 400))
        }
        do {
            let data = try JSONFile.encode(answer)
            guard data.count < 8 << 20 else { return tooLarge }
            return data
        } catch {
            return tooLarge
        }
    }

    private static let tooLarge = Data(#"{"failed":{"code":90,"reading":false,"text":"the answer is too large"}}"#.utf8)

    private static func fail(_ reason: String) -> Never {
        write("molt-slurm: \(reason)\n", to: 2)
        exit(1)
    }

    private static func write(_ text: String, to descriptor: Int32 = 1) {
        let bytes = Array(text.utf8)
        _ = Glibc.write(descriptor, bytes, bytes.count)
    }
}
