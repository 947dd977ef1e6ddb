import MoltAPI
import MoltCore
import MoltRecipe

/// Whether what a recipe saves fits into what the site leaves for it, as submission judges it.
enum SaveVerdict {
    static func verdicts(_ facts: DoctorFacts) -> [DoctorVerdict] {
        guard let recipe = facts.recipe, let report = facts.report else { return [] }
        let subject = "saving"
        let usual = facts.defaultPartition ?? report.partitions.first(where: \.isDefault)?.name
        guard let name = recipe.resources.partition ?? usual else {
            return [.init(.bad, subject, "the site has no default partition", advice: "name one: resources.partition")]
        }
        guard let partition = report.partitions.first(where: { $0.name == name }) else {
            return [.init(
                .bad, subject, "'\(recipe.name)' asks for partition '\(name)', which the scheduler does not have",
                advice: "it has: \(report.partitions.map(\.name).joined(separator: ", "))")]
        }
        guard let window = SaveWindow(recipe, measured: report.saveRate) else { return [unknown(recipe, subject)] }
        let place = SaveWindow.Place(
            name: partition.name, timeLimit: partition.timeLimit, defaultTime: partition.defaultTime,
            graceTime: partition.graceTime, killWait: report.killWait,
            preemptMode: partition.preemptMode.isEmpty ? report.preemptMode : partition.preemptMode)
        let found = window.findings(time: recipe.resources.time, in: place)
        guard found.isEmpty else {
            return found.map { .init($0.isFatal ? .bad : .warning, subject, $0.words, advice: $0.advice) }
        }
        let left = place.window.map { ", and a preemption leaves \(Durations.text($0))" } ?? ""
        let time = (recipe.resources.time ?? place.defaultTime ?? place.timeLimit).map {
            "; an attempt has \(Durations.text($0))"
        } ?? ""
        return [.init(.ok, subject, window.words + time + left)]
    }

    private static func unknown(_ recipe: Recipe, _ subject: String) -> DoctorVerdict {
        switch recipe.task {
        case .pretrain, .finetune:
            .init(.warning, subject, "the size of '\(recipe.name)' is known only to its base: nothing was compared")
        case .generate, .evaluate, .prepare, .convert, .command:
            .init(.ok, subject, "'\(recipe.name)' does not train")
        }
    }
}
