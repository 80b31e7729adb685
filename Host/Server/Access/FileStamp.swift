import Foundation

/// What tells that a file has changed; of a link, the file that it leads to.
struct FileStamp: Equatable {
    private let device: UInt
    private let inode: UInt
    private let size: Int
    private let seconds: Int
    private let nanoseconds: Int

    /// nil where there is no file.
    init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        device = UInt(status.st_dev)
        inode = UInt(status.st_ino)
        size = Int(status.st_size)
        seconds = status.st_mtim.tv_sec
        nanoseconds = status.st_mtim.tv_nsec
    }

    /// Whether it was written so long ago, or, by the clocks, is yet to be.
    func isOlder(than age: Duration) -> Bool {
        let written = Double(seconds) + Double(nanoseconds) / 1e9
        let now = Date().timeIntervalSince1970
        return now < written || now - written >= age / .seconds(1)
    }
}
