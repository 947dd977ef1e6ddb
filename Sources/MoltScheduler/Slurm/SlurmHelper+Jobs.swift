extension SlurmHelper {
    /// All of the user's jobs, of which only what changed since the last time comes from the helper.
    ///
    /// One call at a time, parts included: what is put together must be of one look.
    func jobs(within seconds: Double) throws(Failure) -> SlurmAnswer {
        var operation = SlurmOperation.loadChanges(since: seen.look)
        while true {
            let answer = try call(operation, within: seconds)
            guard case .changes(let changes) = answer else { return answer }
            seen.take(changes)
            guard changes.hasMore else { return .table(seen.table(asOf: changes.asOf)) }
            operation = .loadRest(of: changes.look)
        }
    }
}
