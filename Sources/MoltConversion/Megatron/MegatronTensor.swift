import MoltCheckpoint
import MoltCore

/// One tensor of Megatron's: which weights make it up, and how ranks of tensor parallelism share it.
struct MegatronTensor {
    /// How several weights become one tensor.
    enum Join: Equatable {
        case alone
        /// One after the other: the gate before what it gates.
        case stacked
        /// Queries, keys and values: for each group of queries its rows, those of its key, those of its value.
        case interleaved(heads: Int, groups: Int, headSize: Int)
    }

    /// What a rank holds.
    enum Cut: Equatable {
        case all
        /// A share of each component, which are rows.
        case rows([Component])
        case columns
    }

    struct Component: Equatable {
        var name: String
        var rows: Int
        /// What must not be cut, such as heads: ranks take whole ones.
        var units: Int

        init(name: String, rows: Int, units: Int? = nil) {
            (self.name, self.rows, self.units) = (name, rows, units ?? rows)
        }
    }

    /// Megatron's name.
    var name: String
    /// Molt's names.
    var own: [String]
    var join: Join = .alone
    var cut: Cut
    /// Of the whole.
    var shape: [Int]

    // MARK: - Between weights and the whole

    func whole(of parts: [HostTensor]) -> HostTensor {
        switch join {
        case .alone:
            var whole = parts[0]
            whole.name = name
            return whole
        case .stacked: return .stacked(parts, name: name)
        case .interleaved(let heads, let groups, let size):
            let share = heads / groups
            var pieces: [HostTensor] = []
            for group in 0..<groups {
                pieces.append(parts[0].rows((group * share * size)..<((group + 1) * share * size)))
                pieces.append(parts[1].rows((group * size)..<((group + 1) * size)))
                pieces.append(parts[2].rows((group * size)..<((group + 1) * size)))
            }
            return .stacked(pieces, name: name)
        }
    }

    /// The weight at an index of `own`.
    func part(_ index: Int, of whole: HostTensor) -> HostTensor {
        var part: HostTensor
        switch join {
        case .alone: part = whole
        case .stacked:
            let rows = whole.shape[0] / own.count
            part = whole.rows((index * rows)..<((index + 1) * rows))
        case .interleaved(let heads, let groups, let size):
            let share = heads / groups
            let stride = (share + 2) * size
            let start = index == 0 ? 0 : (share + index - 1) * size
            let count = index == 0 ? share * size : size
            part = .stacked(
                (0..<groups).map { whole.rows(($0 * stride + start)..<($0 * stride + start + count)) }, name: "")
        }
        part.name = own[index]
        return part
    }

    /// The shape of the weight at an index of `own`.
    func partShape(_ index: Int) -> [Int] {
        let rows =
            switch join {
            case .alone: shape[0]
            case .stacked: shape[0] / own.count
            case .interleaved(let heads, let groups, let size): (index == 0 ? heads : groups) * size
            }
        return [rows] + shape.dropFirst()
    }

    // MARK: - Between the whole and ranks

    /// Nil when the ranks can share it; otherwise what cannot be divided.
    func obstacle(ranks: Int) -> String? {
        switch cut {
        case .all: return nil
        case .columns: return shape[1] % ranks == 0 ? nil : "\(shape[1]) columns of \(name)"
        case .rows(let components):
            return components.first { $0.units % ranks != 0 }.map { part in
                let isGrouped = ["B", "C"].contains(part.name)
                return "\(part.units) \(isGrouped ? "groups of \(part.name) in" : "\(part.name) of") \(name)"
            }
        }
    }

    func share(of whole: HostTensor, rank: Int, of ranks: Int) -> HostTensor {
        switch cut {
        case .all: return whole
        case .columns:
            let count = shape[1] / ranks
            return whole.columns((rank * count)..<((rank + 1) * count))
        case .rows(let components):
            var start = 0
            var pieces: [HostTensor] = []
            for component in components {
                let count = component.rows / ranks
                pieces.append(whole.rows((start + rank * count)..<(start + (rank + 1) * count)))
                start += component.rows
            }
            return .stacked(pieces, name: name)
        }
    }

    /// The shape that each of `ranks` holds.
    func shareShape(ranks: Int) -> [Int] {
        switch cut {
        case .all: shape
        case .rows: [shape[0] / ranks] + shape.dropFirst()
        case .columns: [shape[0], shape[1] / ranks]
        }
    }

    func merged(_ shares: [HostTensor]) -> HostTensor {
        switch cut {
        case .all: return shares[0]
        case .columns: return .beside(shares, name: name)
        case .rows(let components):
            var start = 0
            var pieces: [HostTensor] = []
            for component in components {
                let count = component.rows / shares.count
                for share in shares { pieces.append(share.rows(start..<(start + count))) }
                start += count
            }
            return .stacked(pieces, name: name)
        }
    }
}
