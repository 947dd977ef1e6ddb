import FoundationEssentials
package import MoltCheckpoint
import MoltCore
package import MoltRecipe

/// A distributed checkpoint of Megatron's (torch_dist): an index, and files with parts of tensors that any number of
/// ranks wrote. in_proj and conv1d lie in it component by component.
package struct DistributedCheckpoint: ModelWeights {
    static let common = "common.pt"

    package let place: String
    package let section: ModelSection
    package let tensors: [String: StoredTensor]
    package let unused: [String]
    package let assumed: [String]
    private let names: [String: String]
    private let files: FileSet
    private let index: DistributedIndex
    private let sources: [String: (tensor: MegatronTensor, index: Int)]

    /// The folder with the index: this one, or the iteration that it names as its latest.
    static func folder(_ path: String) -> String? {
        func isOne(_ path: String) -> Bool {
            FileManager.default.fileExists(atPath: "\(path)/\(DistributedIndex.name)")
        }
        if isOne(path) { return path }
        guard let text = try? DurableFile.read("\(path)/\(MegatronFiles.marker)", limit: 64) else { return nil }
        let word = String(decoding: text, as: UTF8.self).filter { $0.isLetter || $0.isNumber }
        let digits = String(repeating: "0", count: max(0, 7 - word.count)) + word
        let named = word == "release" ? "\(path)/release" : "\(path)/iter_\(digits)"
        return isOne(named) ? named : nil
    }

    package init(_ path: String) throws {
        guard let folder = Self.folder(path) else { throw UserError("there is no distributed checkpoint", at: path) }
        try self.init(FileSet(folder: folder), settings: nil)
    }

    /// - Parameter settings: of a checkpoint that has them beside the weights; else they are in a file among them.
    init(_ files: FileSet, settings: MegatronSettings?) throws {
        let place = files.path("")
        let index = try DistributedIndex(files)
        var names: [String: String] = [:]
        var shapes: [String: [Int]] = [:]
        for (name, entry) in index.entries {
            guard !name.hasPrefix("optimizer"), let current = MegatronNames.current(name) else { continue }
            guard names.updateValue(name, forKey: current) == nil else {
                throw UserError(
                    "the tensor '\(DisplayText.escaped(name, limit: 200))' is there twice", at: index.path)
            }
            shapes[current] = entry.shape
        }
        (self.place, self.files, self.index, self.names) = (place, files, index, names)
        let said = try settings ?? Self.settings(files)
        section = try said.section(Self.joined(shapes), at: place)
        assumed = said.assumptions(section)
        let plan = try MegatronPlan(section, at: place)
        var tensors: [String: StoredTensor] = [:]
        var sources: [String: (tensor: MegatronTensor, index: Int)] = [:]
        var used: Set<String> = []
        for tensor in plan.tensors {
            let pieces = tensor.storedPieces(isSplit: names["\(tensor.name).x"] != nil)
            guard pieces.allSatisfy({ names[$0.name] != nil }) else { continue }
            for piece in pieces where shapes[piece.name] != piece.shape {
                throw UserError(
                    "the tensor '\(names[piece.name] ?? piece.name)' has the shape \(shapes[piece.name] ?? []), where "
                        + "the others make it \(piece.shape)", at: index.path)
            }
            used.formUnion(pieces.map(\.name))
            let written = pieces.compactMap { names[$0.name] }
            let type = try Self.type(index, written[0], files)
            for (number, own) in tensor.own.enumerated() {
                sources[own] = (tensor, number)
                tensors[own] = StoredTensor(
                    type: type, shape: tensor.partShape(number), file: index.path, names: written)
            }
        }
        (self.tensors, self.sources) = (tensors, sources)
        unused = names.filter { !used.contains($0.key) }.map(\.value).sorted()
        if let lost = names.keys.first(where: { !used.contains($0) && $0.hasPrefix("decoder.") }) {
            throw UserError(
                "the model has no place for the tensor '\(DisplayText.escaped(lost, limit: 200))'", at: place)
        }
        try check()
    }

    package var tokenizer: String? { TokenizerFiles.megatron(place) }
    package var specials: SpecialIDs { SpecialIDs() }

    package func read(_ name: String) throws -> HostTensor {
        guard let (tensor, number) = sources[name] else {
            throw UserError("the tensor '\(name)' is missing", at: place)
        }
        let pieces = tensor.storedPieces(isSplit: names["\(tensor.name).x"] != nil)
        let parts = try pieces.map { try Self.assembled(index, names[$0.name] ?? $0.name, files) }
        return tensor.part(number, of: parts.count == 1 ? parts[0] : .stacked(parts, name: tensor.name))
    }

    private static func settings(_ files: FileSet) throws -> MegatronSettings {
        guard let slice = try files.open(common) else { return MegatronSettings([:]) }
        let file = try TorchFile(slice)
        return MegatronSettings(file.heap, file.heap.field("args", of: file.root))
    }

    /// Components as the whole that they are of.
    private static func joined(_ shapes: [String: [Int]]) -> [String: [Int]] {
        var joined = shapes
        for (name, shape) in shapes {
            for component in ["z", "x", "B", "C", "dt"] {
                guard let whole = name.removingSuffix(".\(component)"), whole.contains(".mixer."), !shape.isEmpty
                else {
                    continue
                }
                joined[name] = nil
                joined[whole] = [(joined[whole]?[0] ?? 0) + min(shape[0], Limits.sizeMax)] + shape.dropFirst()
            }
        }
        return joined
    }

    private static func chunk(_ chunk: DistributedIndex.Chunk, _ name: String, _ files: FileSet) throws -> HostTensor {
        let path = files.path(chunk.file)
        guard let whole = try files.open(chunk.file) else {
            throw UserError(
                "the file is missing; it holds '\(DisplayText.escaped(name, limit: 200))' or parts of it", at: path,
                fix: "copy the whole folder")
        }
        guard let slice = whole.slice(at: chunk.at, count: chunk.count) else {
            throw UserError("the file ends before '\(DisplayText.escaped(name, limit: 200))'", at: path)
        }
        let file = try TorchFile(slice)
        guard let tensor = file.heap.tensor(file.root), tensor.shape == chunk.sizes else {
            throw UserError("'\(DisplayText.escaped(name, limit: 200))' is not what the index says", at: path)
        }
        return try file.read(tensor, name: name)
    }

    private static func type(_ index: DistributedIndex, _ name: String, _ files: FileSet) throws -> StoredType {
        guard let first = index.entries[name]?.chunks.first else {
            throw UserError("the tensor '\(DisplayText.escaped(name, limit: 200))' has no parts", at: index.path)
        }
        return try chunk(first, name, files).type
    }

    private static func assembled(_ index: DistributedIndex, _ name: String, _ files: FileSet) throws -> HostTensor {
        guard let entry = index.entries[name], let first = entry.chunks.first else {
            throw UserError("the tensor '\(DisplayText.escaped(name, limit: 200))' has no parts", at: index.path)
        }
        let type = try chunk(first, name, files).type
        guard entry.isFilled(by: type.bytes) else {
            throw UserError(
                "the parts of '\(DisplayText.escaped(name, limit: 200))' do not make up \(entry.shape)", at: index.path,
                fix: "is the folder whole?")
        }
        var assembly = ChunkAssembly(shape: entry.shape, size: type.bytes)
        for chunk in entry.chunks {
            let part = try Self.chunk(chunk, name, files)
            guard part.type == type, assembly.put(part, at: chunk.offsets) else {
                throw UserError(
                    "a part of '\(DisplayText.escaped(name, limit: 200))' lies outside it, or on another one",
                    at: index.path)
            }
        }
        guard assembly.isWhole else {
            throw UserError("the tensor '\(DisplayText.escaped(name, limit: 200))' is not whole", at: index.path)
        }
        return HostTensor(name: name, type: type, shape: entry.shape, bytes: assembly.bytes)
    }
}

extension MegatronTensor {
    /// What a distributed checkpoint stores: the components of in_proj and conv1d one by one, all else whole.
    func storedPieces(isSplit: Bool) -> [(name: String, shape: [Int], rows: Range<Int>)] {
        guard isSplit, case .rows(let components) = cut, components.count > 1, name.contains(".mixer.") else {
            return [(name, shape, 0..<(shape.first ?? 0))]
        }
        var start = 0
        return components.map { component in
            defer { start += component.rows }
            return (
                "\(name).\(component.name)", [component.rows] + shape.dropFirst(), start..<(start + component.rows)
            )
        }
    }
}
