import Foundation

extension Error {
    /// What the system says of a failed file operation, as "No such file or directory"; Foundation's own words for it
    /// begin by saying that the operation could not be completed.
    public var systemReason: String {
        var error = self as NSError
        while let cause = error.userInfo[NSUnderlyingErrorKey] as? any Error { error = cause as NSError }
        return error.domain == NSPOSIXErrorDomain
            ? String(cString: strerror(Int32(clamping: error.code))) : localizedDescription
    }
}
