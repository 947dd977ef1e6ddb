import Dispatch
import MoltCore

/// What the threads of a preparation share, none of which changes.
struct PrepareContext: Sendable {
    let plan: PreparePlan
    let units: [[PreparePlan.Part]]
    let forms: DocumentForms
    let folder: WorkFolder
    let conditions: [FieldCondition]
    let wanted: Set<String>
    let gate = LongDocumentGate()

    var needsHashes: Bool { plan.settings.deduplicate || plan.settings.validation > 0 }

    init(
        _ settings: PrepareSettings, out: String, tokenizer: any Tokenizer, chat: (any ChatRenderer)?, rank: Int
    ) throws(UserError) {
        plan = try PreparePlan(settings, tokenizer: tokenizer, chat: chat)
        units = plan.units()
        forms = DocumentForms(tokenizer: tokenizer, chat: chat)
        folder = WorkFolder(out: out, rank: rank)
        var conditions: [FieldCondition] = []
        for text in settings.filter.conditions { conditions.append(try FieldCondition(text)) }
        self.conditions = conditions
        wanted = Set(conditions.map(\.name))
    }

    func bytes(of unit: Int) -> Int { units[unit].reduce(0) { $0 + $1.range.count } }

    /// Documents in what is kept or dropped as one: 2 for preference pairs. A folder holds one kind.
    func entrySize(_ records: [UnitRecord]) throws(MalformedInput) -> Int {
        func first(_ place: KeyPath<UnitRecord, UnitRecord.Place?>) -> String? {
            guard let record = records.first(where: { $0[keyPath: place] != nil }), let found = record[keyPath: place]
            else { return nil }
            return plan.inputs[units[record.unit][found.part].input].path
        }
        switch (first(\.firstSingle), first(\.firstPair)) {
        case (let single?, let pair?):
            throw MalformedInput(
                error: UserError(
                    "preference pairs, as in \(pair), are mixed with other documents, as in \(single)",
                    at: folder.out, fix: "prepare them into folders of their own"))
        case (_, nil): return 1
        case (nil, _): return 2
        }
    }
}

/// Lets one thread at a time hold a document of many megabytes, so that memory does not grow with the threads.
struct LongDocumentGate: Sendable {
    private let semaphore = DispatchSemaphore(value: 1)

    func enter(_ bytes: Int) {
        if bytes > Limits.longDocumentBytes { semaphore.wait() }
    }

    func leave(_ bytes: Int) {
        if bytes > Limits.longDocumentBytes { semaphore.signal() }
    }
}
