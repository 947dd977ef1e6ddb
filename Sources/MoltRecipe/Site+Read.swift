import MoltCore

extension Site {
    static func read(
        _ tree: YAMLTree, base: Site, environment: [String: String], problems: ProblemList
    ) -> Site {
        var reader = SectionReader(tree, path: "", section: base, keys: CodingKeys.self, problems: problems)
        let path = Reading<String>.sitePath(environment)
        reader.read(.name, \.name, .slurmName("the site's name"))
        reader.read(.kind, \.kind, .choice)
        if base.name == "local" {
            reader.read(.prefix, \.prefix, path)
            reader.read(.runs, \.runs, path)
        } else {
            reader.need(.prefix, \.prefix, path)
            reader.need(.runs, \.runs, path)
        }
        reader.read(.scratch, \.scratch, .sitePath(environment))
        reader.read(.account, \.account, .slurmName("an account's name"))
        reader.section.partitions = .read(reader.subtree(.partitions), base.partitions, problems)
        reader.section.gpus = .read(reader.subtree(.gpus), problems)
        reader.read(.setup, \.setup, .list(.text))
        reader.read(.environment, \.environment, .pairs(EnvironmentNames.problem))
        reader.read(.srun, \.srun, .list(.srunOption))
        reader.section.poll = .read(reader.subtree(.poll), problems)
        reader.section.policy = .read(reader.subtree(.policy), problems)
        reader.section.exclude = .read(reader.subtree(.exclude), problems)
        reader.section.amnesia = .read(reader.subtree(.amnesia), problems)
        reader.read(.slurmConfiguration, \.slurmConfiguration, path)
        reader.read(.backend, \.backend, .choice)
        reader.read(.commands, \.commands, .sitePath(environment))
        reader.section.rest = .read(reader.subtree(.rest), environment, problems)
        reader.section.slots = .read(reader.subtree(.slots), problems)
        let site = reader.finished()
        if site.name != base.name {
            problems.add(
                "the site is called '\(site.name)' but its file is named '\(base.name)'",
                at: problems.origin(of: "name"), key: "name")
        }
        if let first = site.partitions.default, !site.partitions.allowed.isEmpty,
            !site.partitions.allowed.contains(first)
        {
            problems.add(
                "the default partition '\(first)' is not among the allowed ones",
                at: problems.origin(of: "partitions.default"), key: "partitions.default")
        }
        if site.backend == .rest, site.rest == nil {
            problems.add(
                "'backend: rest' needs to know where slurmrestd is", at: problems.origin(of: "backend"), key: "backend",
                fix: "rest: {socket: /run/slurmrestd.socket}")
        }
        if site.poll.min > site.poll.max {
            problems.add("'min' is above 'max'", at: problems.origin(of: "poll"), key: "poll")
        }
        return site
    }
}

extension Site.Partitions {
    enum CodingKeys: String, CodingKey, CaseIterable { case `default`, allowed }

    fileprivate static func read(_ tree: YAMLTree?, _ base: Self, _ problems: ProblemList) -> Self {
        var reader = SectionReader(tree, path: "partitions", section: base, keys: CodingKeys.self, problems: problems)
        let name = Reading<String>.slurmName("a partition's name")
        reader.read(.default, \.default, name)
        reader.read(.allowed, \.allowed, .list(name))
        return reader.finished()
    }
}

extension Site.GPUs {
    fileprivate static func read(_ tree: YAMLTree?, _ problems: ProblemList) -> Self {
        var reader = SectionReader(tree, path: "gpus", section: Self(), keys: CodingKeys.self, problems: problems)
        reader.read(.gres, \.gres, .gres)
        reader.read(.perNode, \.perNode, .count(0...1024))
        reader.read(.memory, \.memory, .bytes)
        return reader.finished()
    }
}

extension Site.Poll {
    enum CodingKeys: String, CodingKey, CaseIterable { case min, max }

    fileprivate static func read(_ tree: YAMLTree?, _ problems: ProblemList) -> Self {
        var reader = SectionReader(tree, path: "poll", section: Self(), keys: CodingKeys.self, problems: problems)
        reader.read(.min, \.min, .duration)
        reader.read(.max, \.max, .duration)
        return reader.finished()
    }
}

extension Site.Policy {
    fileprivate static func read(_ tree: YAMLTree?, _ problems: ProblemList) -> Self {
        var reader = SectionReader(tree, path: "policy", section: Self(), keys: CodingKeys.self, problems: problems)
        reader.read(.maxCrashes, \.maxCrashes, .count(0...10_000))
        reader.read(.maxFaults, \.maxFaults, .count(1...10_000))
        reader.read(.backOff, \.backOff, .duration)
        reader.read(.startWithin, \.startWithin, .duration)
        return reader.finished()
    }
}

extension Site.Exclude {
    fileprivate static func read(_ tree: YAMLTree?, _ problems: ProblemList) -> Self {
        var reader = SectionReader(tree, path: "exclude", section: Self(), keys: CodingKeys.self, problems: problems)
        reader.read(.failures, \.failures, .count(1...1000))
        reader.read(.fast, \.fast, .duration)
        reader.read(.within, \.within, .duration)
        reader.read(.length, \.length, .duration)
        reader.read(.share, \.share, .number(0...1, "a part between 0 and 1"))
        return reader.finished()
    }
}

extension Site.Amnesia {
    fileprivate static func read(_ tree: YAMLTree?, _ problems: ProblemList) -> Self {
        var reader = SectionReader(tree, path: "amnesia", section: Self(), keys: CodingKeys.self, problems: problems)
        reader.read(.goOnAfter, \.goOnAfter, .duration)
        return reader.finished()
    }
}

extension Site.Slots {
    enum CodingKeys: String, CodingKey, CaseIterable { case cpus, gpus, grace }

    fileprivate static func read(_ tree: YAMLTree?, _ problems: ProblemList) -> Self {
        var reader = SectionReader(tree, path: "slots", section: Self(), keys: CodingKeys.self, problems: problems)
        reader.read(.cpus, \.cpus, .count(1...65536))
        reader.read(.gpus, \.gpus, .count(0...1024))
        reader.read(.grace, \.grace, .number(0...86400, "a number of seconds"))
        return reader.finished()
    }
}

extension Reading where Value == String {
    /// An absolute path in which `$USER` and `$HOME` are replaced.
    static func sitePath(_ environment: [String: String]) -> Reading {
        Reading { tree throws(Failure) in
            guard case .scalar(let text, _) = tree.value, !tree.isNull,
                !text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F })
            else { throw Failure(what: "expected a path, found \(tree.shown)") }
            let expanded = Paths.expandUser(text, environment: environment)
            guard expanded.hasPrefix("/") || expanded.hasPrefix("~/") else {
                throw Failure(what: "expected an absolute path, found \(tree.shown)")
            }
            return Paths.resolve(expanded, in: "/")
        }
    }

    /// `gpu` or `gpu:<type>`.
    fileprivate static var gres: Reading {
        scalar("a gres like gpu or gpu:h100") { text, _ in
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            let areNames = parts.allSatisfy { part in
                !part.isEmpty && part.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
            }
            return areNames && parts.count <= 2 ? text : nil
        }
    }

    /// One argument of srun, long form.
    fileprivate static var srunOption: Reading {
        scalar("an option of srun like --mpi=none") { text, _ in
            text.hasPrefix("-") && text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F } ? text : nil
        }
    }
}
