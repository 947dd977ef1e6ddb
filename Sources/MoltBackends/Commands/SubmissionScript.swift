package import MoltCore
package import MoltScheduler
import MoltTemplates

/// The script that sbatch gets: the request's, with the request's own header and no other.
package enum SubmissionScript {
    package static func text(_ request: JobRequest) throws(SchedulerError) -> String {
        var lines = request.script.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let first = lines.isEmpty ? "" : lines.removeFirst()
        // sbatch reads options from the comments before the first command.
        var body: [String] = [], isHeader = true
        for line in lines {
            let text = line.drop { $0 == " " || $0 == "\t" }
            if !text.isEmpty, !text.hasPrefix("#") { isHeader = false }
            if isHeader, line.hasPrefix("#"), directives.contains(where: line.hasPrefix) { continue }
            body.append(line)
        }
        do throws(UserError) {
            let header = try BatchHeader.directives(request).map { "#SBATCH \($0)" }
            return ([first] + header + body).joined(separator: "\n")
        } catch {
            throw .rejected(code: 22, message: error.description)
        }
    }

    private static let directives = ["#SBATCH", "#PBS", "#BSUB"]
}
