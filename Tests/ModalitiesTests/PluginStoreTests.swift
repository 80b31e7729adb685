import Digest
import Foundation
import Modalities
import Testing

@Suite struct PluginStoreTests {
    /// Calls `body` with a store and a folder for originals.
    private func withStore(_ body: (PluginStore, String) throws -> Void) throws {
        try Fixtures.withFile("") { path in
            let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
            try body(PluginStore(data: "\(folder)/data"), folder)
        }
    }

    private func write(_ text: String, _ path: String) throws {
        try FileManager.default.createDirectory(
            at: URL(fileURLWithPath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }

    private func names(_ store: PluginStore) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: store.folder).sorted()
    }

    /// FIPS 180-2, B.1: the SHA-256 of "abc".
    private let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

    @Test func copyIsNamedByItsDigestAndOutlivesItsOriginal() throws {
        try withStore { store, folder in
            try write("abc", "\(folder)/a")
            chmod("\(folder)/a", 0o4755)
            let stored = try store.take("\(folder)/a")
            #expect(stored.digest == abc)
            #expect(stored.path == "\(store.folder)/\(abc)")
            #expect(stored.isNew)
            try write("changed", "\(folder)/a")
            #expect(try PluginStore.digest(of: stored.path) == abc)
            var status = stat()
            #expect(stat(stored.path, &status) == 0)
            #expect(status.st_mode & 0o7777 == 0o555)
        }
    }

    @Test func sameBytesAreStoredOnceAndADamagedCopyIsReplaced() throws {
        try withStore { store, folder in
            try write("abc", "\(folder)/a")
            let first = try store.take("\(folder)/a")
            #expect(try store.take("\(folder)/a").isNew == false)
            #expect(try names(store) == [abc])
            try FileManager.default.removeItem(atPath: first.path)
            try write("damaged", first.path)
            #expect(try store.take("\(folder)/a").isNew)
            #expect(try PluginStore.digest(of: first.path) == abc)
        }
    }

    @Test func folderIsATreeWhoseDigestIsThatOfItsManifest() throws {
        try withStore { store, folder in
            try write("abc", "\(folder)/tree/b/c")
            try write("", "\(folder)/tree/a")
            symlink("\(folder)/tree/b/c", "\(folder)/tree/link")
            let stored = try store.take("\(folder)/tree")
            let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
            var hash = SHA256()
            hash.update(Array("\(empty) a\n\(abc) b/c\n\(abc) link\n".utf8))
            #expect(stored.digest == hash.finish())
            #expect(try String(contentsOfFile: "\(stored.path)/link", encoding: .utf8) == "abc")
            #expect(throws: (any Error).self) {
                try FileManager.default.destinationOfSymbolicLink(atPath: "\(stored.path)/link")
            }
            try FileManager.default.moveItem(atPath: "\(folder)/tree/a", toPath: "\(folder)/tree/a2")
            #expect(try store.take("\(folder)/tree").digest != stored.digest)
        }
    }

    @Test func whatCannotBeStoredIsNamedAndLeavesNothingBehind() throws {
        try withStore { store, folder in
            mkfifo("\(folder)/pipe", 0o600)
            try write("abc", "\(folder)/tree/a")
            symlink("\(folder)/tree", "\(folder)/tree/loop")
            try write("abc", "\(folder)/mixed/a")
            mkfifo("\(folder)/mixed/pipe", 0o600)
            try FileManager.default.createDirectory(
                atPath: "\(folder)/empty", withIntermediateDirectories: false)
            for (name, problem) in [
                ("gone", "gone: No such file or directory"), ("pipe", "pipe: is no regular file"),
                ("empty", "empty: holds no file"), ("mixed", "mixed/pipe: is no regular file"),
                ("tree", "tree/loop: is a link to a folder; put the folder itself there"),
            ] {
                let error = #expect(throws: StoreError.self) { try store.take("\(folder)/\(name)") }
                #expect(error?.description == "\(folder)/\(problem)")
            }
            #expect(try names(store) == [])
        }
    }

    @Test func onlyWhatLiesInTheStoreIsDropped() throws {
        try withStore { store, folder in
            try write("abc", "\(folder)/tree/a")
            let stored = try store.take("\(folder)/tree")
            #expect(!store.drop(holding: "\(folder)/tree/a"))
            #expect(!store.drop(holding: store.folder))
            #expect(!store.drop(holding: "\(store.folder)/../tree"))
            #expect(FileManager.default.fileExists(atPath: "\(folder)/tree/a"))
            #expect(store.drop(holding: "\(stored.path)/a"))
            #expect(try names(store) == [])
        }
    }
}
