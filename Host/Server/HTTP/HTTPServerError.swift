import CSystemMicrohttpd
import Glibc

/// Why a server did not start.
public struct HTTPServerError: Error, Equatable, CustomStringConvertible {
    public enum Reason: Sendable, Equatable {
        case addressInUse
        case unknownHost
        case addressNotOnThisMachine
        case permissionDenied
        case invalidConfiguration
        case alreadyStarted
        case system
    }

    public let reason: Reason
    public let description: String

    init(_ reason: Reason, _ description: String) {
        self.reason = reason
        self.description = description
    }

    init(resource: String, errno code: Int32) {
        self.init(.system, "the server cannot open \(resource): \(String(cString: strerror(code)))")
    }

    init(_ failure: http_listen_result, host: String, port: Int) {
        let place = "cannot listen on \(host) port \(port)"
        guard failure.step != HTTP_LISTEN_RESOLVE else {
            let cause = String(cString: gai_strerror(failure.error))
            self.init(
                .unknownHost, "\(place): the host is unknown (\(cause)); give an address of this machine")
            return
        }
        switch failure.error {
        case EADDRINUSE:
            self.init(
                .addressInUse, "\(place): another program listens there; stop it or choose another port")
        case EADDRNOTAVAIL:
            self.init(.addressNotOnThisMachine, "\(place): no network interface here has that address")
        case EACCES, EPERM:
            self.init(.permissionDenied, "\(place): permission denied; ports below 1024 need a privilege")
        default:
            self.init(.system, "\(place): \(String(cString: strerror(failure.error)))")
        }
    }
}
