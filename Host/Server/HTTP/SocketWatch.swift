/// What the server does about a socket that libmicrohttpd alone would leave open.
///
/// A suspended connection reports neither the client's end of file nor a time-out, so every socket is looked at
/// four times a second. This type only judges; `HTTPLoop` acts.
struct SocketWatch {
    /// What the connection is doing when it is looked at.
    enum Activity {
        /// Between requests, or inside a header.
        case idle
        case receivingBody(since: ContinuousClock.Instant)
        /// A handler runs for this client.
        case running
        /// What is being made is sent at once.
        case streaming
        /// Everything is produced; the rest is the kernel's to send.
        case sending
        /// Refused; what the client still sends is thrown away until then.
        case refused(until: ContinuousClock.Instant)
    }

    enum Verdict: Equatable {
        case clientGone
        case idleTooLong
        case headerLate
        case bodyLate
        case readerStalled
        case refusalOver
    }

    struct Facts {
        /// The handshake of TLS is not over.
        var shakesHands: Bool
        /// Over TLS: more has come than the handshake.
        var wasAsked: Bool
        var peerClosed: Bool
        var dataWaits: Bool
        /// Data waits, all that was sent is acknowledged, and the client takes no more: it does not read. Where a link is slow
        /// or broken, what was sent is not acknowledged.
        var windowClosed: Bool
        var bytesReceived: UInt64
        var bytesAcknowledged: UInt64
    }

    /// Until the handshake was seen to be over.
    private var shakesHands: Bool
    private var requests: UInt64 = 0
    private var bytesBeforeHeader: UInt64 = 0
    private var headerSince: ContinuousClock.Instant?
    private var idleSince: ContinuousClock.Instant?
    private var peerWasClosed = false
    private var acknowledged: UInt64 = 0
    private var acknowledgedSince: ContinuousClock.Instant?
    private var windowClosedSince: ContinuousClock.Instant?

    init(shakesHands: Bool) {
        self.shakesHands = shakesHands
    }

    /// `requests` counts those this connection has finished.
    mutating func judge(
        _ facts: Facts, _ activity: Activity, requests: UInt64, limits: HTTPServer.Limits,
        now: ContinuousClock.Instant
    ) -> Verdict? {
        if shakesHands, !facts.shakesHands {
            shakesHands = false
            // What a handshake takes is no part of a header.
            bytesBeforeHeader = facts.wasAsked ? 0 : facts.bytesReceived
            headerSince = nil
        }
        if requests != self.requests {
            self.requests = requests
            bytesBeforeHeader = facts.bytesReceived
            headerSince = nil
            idleSince = nil
        }
        // libmicrohttpd misses an end of file that comes in one wake with the last bytes. Seen closed twice, so that
        // it has had time to read what came before the end.
        let closedTwice = facts.peerClosed && peerWasClosed
        peerWasClosed = facts.peerClosed
        if stalled(facts, activity, limits: limits, now: now) { return .readerStalled }
        let isIdle = if case .idle = activity { true } else { false }
        if !isIdle {
            headerSince = nil
            idleSince = nil
        }
        switch activity {
        case .running, .streaming:
            return facts.peerClosed ? .clientGone : nil
        case .sending:
            return nil
        case .refused(let end):
            return now >= end ? .refusalOver : nil
        case .receivingBody(let start):
            if closedTwice { return .clientGone }
            return now - start > limits.bodyDeadline ? .bodyLate : nil
        case .idle:
            if closedTwice { return .clientGone }
            guard facts.bytesReceived > bytesBeforeHeader else {
                let start = idleSince ?? now
                idleSince = start
                return now - start > limits.idleTimeout ? .idleTooLong : nil
            }
            let start = headerSince ?? now
            headerSince = start
            return now - start > limits.headerDeadline ? .headerLate : nil
        }
    }

    private mutating func stalled(
        _ facts: Facts, _ activity: Activity, limits: HTTPServer.Limits, now: ContinuousClock.Instant
    ) -> Bool {
        guard facts.dataWaits, facts.bytesAcknowledged == acknowledged, let since = acknowledgedSince else {
            acknowledged = facts.bytesAcknowledged
            acknowledgedSince = facts.dataWaits ? now : nil
            windowClosedSince = facts.windowClosed ? now : nil
            return false
        }
        windowClosedSince = facts.windowClosed ? windowClosedSince ?? now : nil
        if case .streaming = activity, let closed = windowClosedSince, now - closed > limits.stallDeadline {
            return true
        }
        return now - since > limits.sendDeadline
    }
}
