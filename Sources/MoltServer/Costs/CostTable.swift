package import MoltAPI
package import MoltLifecycle

/// Adds the costs of runs up by run, user, cause or node.
package struct CostTable {
    private let grouping: CostQuery.Grouping
    private var rows: [String: (line: CostLine, account: TimeAccount, runs: Set<String>)] = [:]

    package init(by grouping: CostQuery.Grouping) {
        self.grouping = grouping
    }

    /// - Parameter devices: GPUs of the run, or its ranks when it has none.
    package mutating func add(_ cost: RunCost, run: String, name: String, user: String, devices: Int) {
        let devices = Double(devices)
        switch grouping {
        case .run: enter(run, cost.total * devices, run, name: name, interruptions: cost.interruptions.count)
        case .user: enter(user, cost.total * devices, run, interruptions: cost.interruptions.count)
        case .cause:
            for interruption in cost.interruptions {
                enter(interruption.cause, interruption.account * devices, run, interruptions: 1)
            }
        case .node:
            for (start, account) in zip(cost.starts, cost.accounts) {
                for node in start.nodes { enter(node, account * (devices / Double(start.nodes.count)), run) }
            }
            for interruption in cost.interruptions {
                // The rest of it is in the accounts of the nodes that bore it.
                var gap = TimeAccount()
                gap.handOver = interruption.account.handOver
                let share = gap * (devices / Double(interruption.nodes.count))
                for node in interruption.nodes { enter(node, share, run, interruptions: 1) }
            }
        }
    }

    private mutating func enter(
        _ key: String, _ account: TimeAccount, _ run: String, name: String? = nil, interruptions: Int = 0
    ) {
        var row = rows[key] ?? (CostLine(key: key, name: name), TimeAccount(), [])
        row.account += account
        row.runs.insert(run)
        row.line.interruptions += interruptions
        rows[key] = row
    }

    /// The dearest first.
    package var lines: [CostLine] {
        rows.values.map { row in
            var line = row.line
            let hours = row.account * (1.0 / 3600)
            line.runs = row.runs.count
            line.allocated = hours.allocated
            line.productive = hours.productive
            line.start = hours.start
            line.load = hours.load
            line.save = hours.save
            line.evaluate = hours.evaluate
            line.repeated = hours.repeated
            line.stall = hours.stall
            line.handOver = hours.handOver
            line.queue = hours.queue
            line.ettr = grouping == .cause ? nil : row.account.effectiveRatio
            return line
        }.sorted { ($0.allocated + $0.handOver, $1.key) > ($1.allocated + $1.handOver, $0.key) }
    }
}
