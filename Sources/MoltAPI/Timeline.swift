/// One line of `molt events`: something that happened to a run, in order, never changed afterwards.
package struct TimelineEntry: Codable, Hashable, Sendable {
    /// Rises by one with each entry of the store.
    package var sequence: Int
    /// Seconds since 1970, by the daemon's clock.
    package var at: Double
    /// A word for programs: `created`, `submitted`, `started`, `preempted`, `resumed`, `saved`, `finished`, …
    package var kind: String
    package var attempt: Int?
    package var incarnation: Int?
    /// One line for people.
    package var message: String

    package init(
        sequence: Int, at: Double, kind: String, attempt: Int? = nil, incarnation: Int? = nil, message: String
    ) {
        self.sequence = sequence
        self.at = at
        self.kind = kind
        self.attempt = attempt
        self.incarnation = incarnation
        self.message = message
    }
}

/// Entries after a given one; ask again with `next`.
package struct TimelinePage: Codable, Hashable, Sendable {
    package var entries: [TimelineEntry]
    package var next: Int

    package init(entries: [TimelineEntry], next: Int) {
        self.entries = entries
        self.next = next
    }
}

/// The course of training, thinned to a screenful, without the steps that a rewind took back.
package struct ProgressCurve: Codable, Hashable, Sendable {
    package var points: [Point]
    /// Validation losses.
    package var validation: [Point]
    package var marks: [Mark]

    package struct Point: Codable, Hashable, Sendable {
        package var step: Int
        package var loss: Double

        package init(step: Int, loss: Double) {
            self.step = step
            self.loss = loss
        }
    }

    /// Where an incarnation ended or began.
    package struct Mark: Codable, Hashable, Sendable {
        package var step: Int
        /// `preempted`, `wallTime`, `crashed`, `resumed`, …
        package var kind: String
        package var at: Double

        package init(step: Int, kind: String, at: Double) {
            self.step = step
            self.kind = kind
            self.at = at
        }
    }

    package init(points: [Point] = [], validation: [Point] = [], marks: [Mark] = []) {
        self.points = points
        self.validation = validation
        self.marks = marks
    }
}
