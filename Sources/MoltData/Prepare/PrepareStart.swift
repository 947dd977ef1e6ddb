import FoundationEssentials
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// Makes the folder of a preparation, or finds that it goes on with one.
struct PrepareStart {
    let context: PrepareContext
    let share: PrepareShare

    /// - Parameter wait: called again and again while the first rank has not made the folder; throws to give up.
    func run(wait: () throws -> Void) throws {
        let folder = context.folder
        // The plan is what the others must find to be their own.
        while !share.makesFolder, FileStatus.kind(of: folder.plan) == nil { try wait() }
        if FileStatus.kind(of: folder.plan) == nil {
            try refuseForeignFolder()
            try DurableFile.makeFolder(folder.path)
            do throws(FileError) {
                try DurableFile.createExclusively(try encoded(), at: folder.plan)
            } catch where error.code == EEXIST {
                // Another share was quicker; whether it means the same is seen below.
            }
        }
        try compare()
    }

    private func encoded() throws(FileError) -> Data {
        do {
            return try JSONFile.encode(context.plan)
        } catch {
            throw FileError("write down", context.folder.plan, code: EINVAL)
        }
    }

    private func refuseForeignFolder() throws(UserError) {
        let out = context.folder.out
        guard let kind = FileStatus.kind(of: out) else { return }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: out)) ?? []
        guard kind == .folder, names.allSatisfy({ $0.hasPrefix(WorkFolder.name) }) else {
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
