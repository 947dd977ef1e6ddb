package import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// The environment that a job is submitted with: what sbatch adds by itself and the API does not, then the request's.
package enum SubmissionEnvironment {
    package static func variables(of request: JobRequest) -> [String: String] {
        var variables = account()
        for name in ["PATH", "LANG", "LC_ALL", "SLURM_CONF", "LD_LIBRARY_PATH"] {
            if let value = getenv(name) { variables[name] = String(cString: value) }
        }
        variables["PATH"] = variables["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        variables["SLURM_SUBMIT_DIR"] = request.workingDirectory
        variables["SLURM_SUBMIT_HOST"] = hostName()
        variables["SLURM_JOB_NAME"] = request.name
        variables["SLURM_UMASK"] = "0077"
        variables["SLURM_PRIO_PROCESS"] = "0"
        variables["SLURM_OPEN_MODE"] = "a"
        return variables.merging(request.environment) { $1 }
    }

    private static func account() -> [String: String] {
        guard let entry = getpwuid(geteuid()) else { return [:] }
        let name = String(cString: entry.pointee.pw_name)
        return [
            "HOME": String(cString: entry.pointee.pw_dir), "USER": name, "LOGNAME": name,
            "SHELL": String(cString: entry.pointee.pw_shell),
        ]
    }

    package static func hostName() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
