import FoundationEssentials
import MoltCore
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Secrets that recipes know by name: where they are read from, and what is taken for one.
struct SecretTests {
    private func secret(_ folder: TemporaryFolder, _ bytes: String, mode: mode_t = 0o600) throws -> String {
        try DurableFile.makeFolder(folder(".config/molt/secrets"))
        let path = folder(".config/molt/secrets/hf")
        try DurableFile.write(Data(bytes.utf8), to: path)
        chmod(path, mode)
        return path
    }

    /// Covers J10.
    @Test(arguments: [("value\n", "value"), ("two\nlines\n", "two\nlines"), ("é 🦊", "é 🦊"), ("\n\n", "\n")])
    func aNamedSecretIsItsFilesTextWithoutTheLastLineEnd(_ text: String, _ value: String) throws {
        let folder = TemporaryFolder("secret"), path = try secret(folder, text)
        #expect(try #require(SecretReference("secret://hf")).read(home: folder.path) == value)
        #expect(try #require(SecretReference("secret://\(path)")).read(home: "/nowhere") == value)
        let variables = ["A": "secret://hf", "B": "plain"]
        #expect(try SecretReference.resolved(variables, home: folder.path) == ["A": value, "B": "plain"])
    }

    @Test(arguments: [mode_t(0o640), 0o604, 0o620, 0o602, 0o644])
    func aSecretThatOthersMayReadOrWriteIsRefused(_ mode: mode_t) throws {
        let folder = TemporaryFolder("secret"), path = try secret(folder, "value", mode: mode)
        let error = #expect(throws: UserError.self) {
            try SecretReference.resolved(["A": "secret://hf"], home: folder.path)
        }
        #expect(error?.fix == "chmod 600 \(path)")
    }

    @Test(arguments: ["", "\n", "a\0b", String(repeating: "x", count: SecretReference.bytesMax + 1)])
    func whatCanBeNoValueIsRefusedAndNotRepeated(_ text: String) throws {
        let folder = TemporaryFolder("secret")
        _ = try secret(folder, text)
        let error = #expect(throws: UserError.self) {
            try SecretReference.resolved(["A": "secret://hf"], home: folder.path)
        }
        #expect(error?.what.hasPrefix("the secret 'hf' ") == true)
    }

    @Test func aSecretThatIsNotThereIsNamedWithItsFile() throws {
        let folder = TemporaryFolder("secret")
        let error = #expect(throws: UserError.self) {
            try SecretReference.resolved(["A": "secret://hf"], home: folder.path)
        }
        #expect(error?.location == folder(".config/molt/secrets/hf"))
        mkfifo(folder("pipe"), 0o600)
        #expect(throws: UserError.self) {
            try SecretReference.resolved(["A": "secret://\(folder("pipe"))"], home: folder.path)
        }
    }

    @Test(arguments: [
        "secret://", "secret://.", "secret://..", "secret://../x", "secret://a/b", "secret:///", "secret://a b",
    ])
    func aReferenceThatLeadsElsewhereIsNone(_ text: String) {
        #expect(SecretReference(text) == nil)
        #expect(SecretReference.problem(text) != nil)
    }

    @Test func otherTextIsNoReference() {
        for text in ["", "secret", "secret:/x", "Secret://x", "x secret://x"] {
            #expect(SecretReference(text) == nil && SecretReference.problem(text) == nil)
        }
    }

    @Test(arguments: [
        ("HF_TOKEN", true), ("token", true), ("DB_PASSWORD", true), ("--api-key", true), ("WANDB_API_KEY", true),
        ("aws_secret_access_key", true), ("apikey", true), ("MAX_TOKENS", false), ("TOKENIZERS_PARALLELISM", false),
        ("KEYBOARD", false), ("MONKEY", false), ("SORT_KEY", false), ("", false), ("PASS", false),
    ])
    func namesTellSecrets(_ name: String, _ isSecret: Bool) {
        #expect(SecretSigns.isName(name) == isSecret)
    }

    @Test(arguments: [
        (["run", "--token=abcdefgh"], [1]), (["run", "--token", "abcdefgh"], [2]), (["env", "HF_TOKEN=abcdefgh"], [1]),
        (["run", "--token=$TOKEN"], []), (["run", "--token", "--fast"], []), (["run", "--max-tokens", "1000000"], []),
        (["run", "--token=secret://hf"], []), (["sh", "-c", "curl --token=abcdefgh"], []), ([], []),
        (["run", "hf_abcdefghijklmnopqrst"], [1]), (["run", "hf_checkpoint_dir/model"], []),
        (["run", "--use-auth-token=false"], []),
    ])
    func argumentsTellSecrets(_ words: [String], _ places: [Int]) {
        #expect(SecretSigns.places(in: words) == places)
    }

    /// Covers J10.
    @Test func quotedTextHidesSecretsWhateverTheyHold() throws {
        let folder = TemporaryFolder("secret")
        _ = try secret(folder, "-----BEGIN KEY-----\n$(x) [a-z]*\\1 'abc'\nend\n")
        let mask = SecretMask(
            ["A": "secret://hf", "MY_TOKEN": "plain-token", "OTHER_TOKEN": "plain-token-2", "NAME": "visible",
                "SHORT_TOKEN": "12345"], home: folder.path)
        #expect(mask.hide("it said $(x) [a-z]*\\1 'abc' twice: $(x) [a-z]*\\1 'abc'")
            == "it said [secret] twice: [secret]")
        #expect(mask.hide("plain-token-2 plain-token visible 12345") == "[secret] [secret] visible 12345")
        #expect(SecretMask([:], home: "/").hide("plain-token") == "plain-token")
    }
}
