import FoundationEssentials
import MoltCore
import MoltRecipe
import MoltTesting
import Testing

/// Recipes and sites come from other people: broken ones are refused, in time, and never end the program.
@Suite(.serialized) struct RecipeFuzzTests {
    private static let pieces = [
        "&a ", "*a", "<<: *a", "? ", "- ", "!!binary ", "|\n", ">-\n", "---\n", "%YAML 9\n", "\t", "'", "#", "${HOME}",
        "extends: base\n", "9999999999999999999", "1e400", "10m", "-0", "[1, 2", "{a: {", "~",
    ]

    private static let whole = """
        extends: base
        name: support-bot
        task: finetune
        method: {type: lora, rank: 16, alpha: 32, targets: [in_proj, out_proj]}
        data: {train: train.jsonl, validation: val.jsonl, sequence_length: 4096, packing: true}
        train: {tokens: 200M, global_batch: 128, micro_batch: 2, precision: bf16, seed: 1}
        optimizer: {name: adamw, lr: 2e-5, weight_decay: 0.1, betas: [0.9, 0.95], clip: 1.0}
        schedule: {name: cosine, warmup_steps: 100, min_lr: 0}
        parallel: {tensor: 4, pipeline: 2, sequence: true}
        checkpoint: {every: 10m, keep: 3}
        resources: {nodes: 2, gpus_per_node: 8, time: 24:00:00, partition: preemptible}
        policy: {max_crashes: 3, on_nan: rollback, max_total: 7d}
        notify: {on: [finished, failed, stuck], webhook: "https://example.org/x"}
        """

    private static let anchors = """
        a: &a [1, 2, 3, 4, 5, 6, 7, 8]
        b: &b [*a, *a, *a, *a]
        c: &c [*b, *b, *b, *b]
        name: [*c, *c, *c, *c]
        """

    private static let site = """
        kind: slurm
        prefix: /shared/molt
        runs: /shared/$USER/molt-runs
        scratch: /local/$SLURM_JOB_ID
        account: nlp
        partitions: {default: preemptible, allowed: [preemptible, batch]}
        gpus: {gres: "gpu:h100"}
        setup: [module load cuda/13]
        env: {NCCL_SOCKET_IFNAME: ib0}
        srun: [--mpi=none]
        poll: {min: 5s, max: 60s}
        backend: rest
        rest: {url: "https://head:6820", token_file: ~/.slurm/token, user: ada}
        """

    /// Covers J6, N17.
    @Test func recipes() {
        let loader = RecipeFixture.loader
        let fuzz = Fuzz("recipes", [RecipeFixture.base, Self.whole, Self.anchors], pieces: Self.pieces)
        let result = fuzz.hammer { _ = try? loader.load(text: String(decoding: $0, as: UTF8.self), label: "r.yaml") }
        #expect(result.isFine(atLeast: 100), "\(result)")
    }

    @Test func overrides() {
        let loader = RecipeFixture.loader
        let lines = ["train.steps=10", "optimizer.betas=[0.9, 0.95]", "notify={on: [failed]}", "a.b.c.d.e.f=*x"]
        let result = Fuzz("overrides", lines, pieces: Self.pieces + ["=", ".", ".."]).hammer {
            _ = try? loader.load(
                text: RecipeFixture.base, label: "r.yaml", overrides: [String(decoding: $0, as: UTF8.self)])
        }
        #expect(result.isFine(atLeast: 100), "\(result)")
    }

    /// Covers N17.
    @Test func sites() {
        let folder = TemporaryFolder("sites")
        let loader = SiteLoader(
            folders: [folder.path], home: "/home/ada/.molt", prefix: "/opt/molt", environment: ["USER": "ada"])
        let result = Fuzz("sites", [Self.site, Self.anchors], pieces: Self.pieces).hammer {
            guard (try? Data($0).write(to: URL(filePath: folder("s.yaml")))) != nil else { return }
            _ = try? loader.load("s")
        }
        #expect(result.isFine(atLeast: 100), "\(result)")
    }
}
