import FoundationEssentials
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// Makes the folder of a preparation, or finds that it goes on with one.
struct PrepareStart {
    let context: PrepareContext
    let rank: Int

    /// - Returns: false when it was stopped while it waited for the first rank.
    func run(_ isStopped: () -> Bool) throws -> Bool {
        let folder = context.folder
        // The first rank makes the folder, with the plan that the others must find to be their own.
        while rank > 0, FileStatus.kind(of: folder.plan) == nil {
            if isStopped() { return false }
            usleep(Limits.lookForOthersMicroseconds)
        }
        if FileStatus.kind(of: folder.plan) == .file {
            try compare()
            return true
        }
        try refuseForeignFolder()
        try DurableFile.makeFolder(folder.path)
        try JSONFile.write(context.plan, to: folder.plan)
        return true
    }

    private func refuseForeignFolder() throws(UserError) {
        let out = context.folder.out
        guard let kind = FileStatus.kind(of: out) else { return }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: out)) ?? []
        guard kind == .folder, names.allSatisfy({ $0 == ".work" }) else {
            throw UserError("there is something already", at: out, fix: "name a folder that is new or empty")
        }
    }

    private func compare() throws {
        let folder = context.folder
        guard let begun = try? JSONFile.read(PreparePlan.self, from: folder.plan) else {
            throw UserError("the plan of the preparation is damaged", at: folder.plan, fix: "remove \(folder.out)")
        }
        guard begun.inputs == context.plan.inputs else {
            let changed = zip(begun.inputs, context.plan.inputs).first { $0 != $1 }?.1.path
            throw UserError(
                "the files are not those with which the preparation was begun", at: changed ?? folder.out,
                fix: "remove \(folder.out) to begin anew, or bring the files back")
        }
        guard begun == context.plan else {
            throw UserError(
                "the preparation was begun with other settings", at: folder.out,
                fix: "give the same ones to go on, or remove the folder to begin anew")
        }
    }
}
