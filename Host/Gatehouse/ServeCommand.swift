import Dispatch
import Engine
import Foundation
import Modalities
import PluginHost
import Server

/// The daemon.
struct ServeCommand: Command {
    static let name = "serve"
    static let synopsis = "[OPTION]…"
    static let summary = "Serve the OpenAI API over HTTP until SIGINT or SIGTERM."
    static let options =
        ChatSetup.options + [
            Option("--host", "H", "the address to listen on (default: 127.0.0.1)"),
            Option("--port", "N", "the port to listen on, 0 for any free one (default: 8000)"),
            Option(
                "--model-name", "N",
                "a name that the model answers to; may be repeated (default: the file's)",
                repeats: true),
            Option("--strict-model", nil, "answer 404 to any other model name"),
            Option(
                "--api-key-file", "F",
                "the keys of clients, without which nothing is answered; gatehouse key new makes them (default: no keys)"
            ),
            Option(
                "--insecure", nil, "listen on an address that other machines reach though there are no keys"),
            Option(
                "--socket", "P",
                "where gatehouse plugin finds the daemon (default: gatehouse.sock in $XDG_RUNTIME_DIR, else in --data)"
            ),
            Option("--admin", nil, "take the operator's commands over HTTP too, at /admin/plugins"),
            Option("--data", "D", "what outlives the daemon (default: $XDG_DATA_HOME/gatehouse)"),
            Option(
                "--log-format", "T",
                "how to write what is said on standard error: text or json (default: text on a terminal, else json)"
            ),
            Option(
                "--log-prompts", nil,
                "write what is asked and answered into the log, where it never is otherwise"),
            Settings.option,
            Option(
                "--check-config", nil, "tell the settings and what is wrong with them, and do not serve",
                isSetting: false),
        ] + RequestSetup.options + Transport.options

    private let setup: ChatSetup
    private let requests: RequestSetup
    private let address: HTTPServer.Configuration
    private let modelNames: [String]
    private let strictModel: Bool
    private let socket: String
    private let hasAdminRoutes: Bool
    private let keyFile: String?
    private let log: Log
    private let recordsContent: Bool
    /// As they are listed by `--check-config`; nil where the daemon is to serve.
    private let settings: String?
    private let transport: Transport

    init(_ arguments: Arguments) throws(UsageError) {
        try arguments.expectRest(0...0, "")
        let arguments = try arguments.completed(Self.options)
        setup = try ChatSetup(arguments)
        requests = try RequestSetup(arguments)
        transport = try Transport(arguments)
        address = HTTPServer.Configuration(
            host: try arguments.value("--host") ?? "127.0.0.1",
            port: try arguments.integer("--port", in: 0...65535) ?? 8000,
            limits: transport.limits, pathsToTheEnd: Readiness.pathsToTheEnd)
        modelNames = arguments.values("--model-name")
        keyFile = try arguments.value("--api-key-file")
        if keyFile == nil, !arguments.flag("--insecure"), !Self.isLoopback(address.host) {
            throw UsageError(
                "--host \(address.host): other machines reach this address, and no keys are set: give their file by "
                    + "--api-key-file, or say --insecure")
        }
        if modelNames.contains("") { throw UsageError("--model-name is given an empty value") }
        strictModel = arguments.flag("--strict-model")
        hasAdminRoutes = arguments.flag("--admin")
        let format = try arguments.choice("--log-format", of: Log.Format.allCases.map(\.rawValue))
        log = Log(
            format: format.flatMap(Log.Format.init(rawValue:)) ?? (isatty(STDERR_FILENO) == 1 ? .text : .json)
        )
        recordsContent = arguments.flag("--log-prompts")
        settings = arguments.flag("--check-config") ? arguments.listing(of: Self.options) : nil
        let data = try arguments.value("--data") ?? Workspace.defaultDataFolder
        socket = try arguments.value("--socket") ?? AdminSocket.defaultPath(data: data)
    }

    func run() async throws {
        if let settings { return try check(settings) }
        // Writing to a client that is gone is an error of that write alone.
        signal(SIGPIPE, SIG_IGN)
        let descriptors = Self.raiseDescriptorLimit()
        let signals = Signals([SIGINT, SIGTERM, SIGHUP])
        info("Initializing Gatehouse \(Gatehouse.version)")
        if descriptors < address.limits.connections {
            warn(
                "--max-connections \(address.limits.connections): this process may have \(descriptors) files open, and a connection is one"
            )
        }
        let identity = try transport.identity(warn: log.warning)
        let access = AccessControl(
            try keyFile.map { try KeyRing(path: $0, warn: log.warning) })
        let service = try setup.build(
            requests: nil, promptLimit: requests.promptLimit, timeLimit: requests.timeLimit, info: info,
            log: log)
        info(
            "Memory: \((ProcessMemory.resident(getpid()) ?? 0) >> 20) MB resident of \(ProcessInfo.processInfo.physicalMemory >> 20) MB"
        )
        describe(service.registry)
        await service.live.start()
        for plugin in service.registry.plugins where plugin.load == .eager && plugin.takesPart {
            try await service.supervisor.load(plugin, plugin.defaultVersion)
            info("Plugin \(plugin.id) \(plugin.defaultVersion.version) loaded")
        }
        let name = URL(fileURLWithPath: service.model.path).deletingPathExtension().lastPathComponent
        let models = OpenAIService.ModelNames(
            names: modelNames.isEmpty ? [name] : modelNames, isStrict: strictModel)
        let metrics = ServiceMetrics()
        let limits = requests.limits
        var router = OpenAIService(
            service, models: models, access: access, metrics: metrics, recordsContent: recordsContent,
            limits: limits, fetcher: try requests.fetcher()
        ).router
        TextService(
            service, models: models, access: access, metrics: metrics, recordsContent: recordsContent,
            limits: limits
        ).addRoutes(to: &router)
        TranscriptionService(service.live, models: models, access: access, limits: limits)
            .addRoutes(to: &router)
        router.on("GET", "/version") { _ in .json(Array(#"{"version":"\#(Gatehouse.version)"}"#.utf8)) }
        Metrics(service, metrics).addRoutes(to: &router)
        Console.addRoutes(to: &router)
        let readiness = Readiness(service.live)
        readiness.addRoutes(to: &router)
        APIDescription(
            version: Gatehouse.version, hasKeys: keyFile != nil, hasAdmin: hasAdminRoutes, limits: limits
        ).addRoutes(to: &router)
        let commands = AdminService(service.live)
        if hasAdminRoutes { commands.addRoutes(to: &router) }
        let origins = transport.origins
        var configuration = address
        configuration.identity = identity
        let server = HTTPServer(
            configuration: configuration, doorkeeper: { origins.refusal(of: $0, by: access.refusal) },
            observer: log.request
        ) { [router] request in
            await metrics.counting(request, known: router.knows(request.path)) {
                await origins.respond(to: $0, by: router.respond)
            }
        }
        try server.start()
        let admin = listenForCommands(commands)
        let host = address.host.contains(":") ? "[\(address.host)]" : address.host
        info("Server started at \(identity == nil ? "http" : "https")://\(host):\(server.port)")
        let watch = watchRegistry(service.live)
        say("[SUCCESS] Model service is ready for inference!")
        ServiceManager.tell("READY=1")

        var signal = await signals.next()
        while signal == SIGHUP {
            identity?.reload()
            await service.live.reload()
            signal = await signals.next()
        }
        let signalName = signal == SIGINT ? "SIGINT" : "SIGTERM"
        info("\(signalName) received, finishing running requests; a second one ends them")
        Task {
            while await signals.next() == SIGHUP {}
            exit(1)
        }
        ServiceManager.tell("STOPPING=1")
        watch?.stop()
        admin?.stop()
        readiness.leave()
        try? await Task.sleep(for: transport.drainGrace)
        await server.stop(drain: transport.drain)
        await service.supervisor.stop()
        info("Stopped")
    }

    /// Tells the settings, and throws for what is wrong with the files that they name.
    private func check(_ settings: String) throws {
        try Terminal.output(settings)
        if let keyFile { _ = try KeyFile(path: keyFile) }
        _ = try transport.identity(warn: log.warning)
        try setup.check()
        say("[SUCCESS] The settings are good")
    }

    private static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || host.hasPrefix("127.")
    }

    private func describe(_ registry: Registry) {
        info(registry.path.isEmpty ? "Registry: none, so text only" : "Registry: \(registry.path)")
        for plugin in registry.plugins {
            for version in plugin.versions {
                let weights = version.isModels ? "the model's own weights, " : ""
                info(
                    "Plugin \(plugin.id) \(version.version) found: \(plugin.mediaTypes.joined(separator: ", ")); "
                        + (version.lacksWeights
                            ? "no weights"
                            : "\(weights)loaded \(plugin.load.rawValue), runs as \(plugin.isolation.rawValue)")
                )
            }
        }
    }

    /// A daemon without its socket still serves, so whatever is wrong there is a warning.
    private func listenForCommands(_ service: AdminService) -> AdminSocket? {
        do {
            if let socket = try AdminSocket(path: socket, handler: { await service.respond(to: $0) }) {
                info("Admin socket: \(socket.path)")
                return socket
            }
            warn("\(socket): another daemon listens there; this one serves without an admin socket")
        } catch {
            warn("no admin socket: \(error)")
        }
        return nil
    }

    /// Takes changes of the registry file over. Without a watch, SIGHUP still does.
    private func watchRegistry(_ live: LiveRegistry) -> FileWatch? {
        let path = live.current.path
        if path.isEmpty { return nil }
        do {
            return try FileWatch(path) { Task { await live.reload() } }
        } catch {
            warn("changes of the registry are taken over on SIGHUP only: \(error)")
            return nil
        }
    }

    private func info(_ line: String) { say("[INFO] \(line)") }

    /// The daemon goes on where nobody reads its lines.
    private func say(_ line: String) { try? Terminal.output("\(line)\n") }

    private func warn(_ line: String) { log.warning(line) }

    /// A connection takes a descriptor, and so does each part of a plugin's call: the usual soft limit of 1,024 is
    /// less than the connections alone may take. Returns how many there may be now.
    private static func raiseDescriptorLimit() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return .max }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return Int(clamping: limit.rlim_cur)
    }
}

/// Signals, as they come, in place of what they would do.
private final class Signals: Sendable {
    private let stream: AsyncStream<Int32>
    // Safe to share: kept alive here and touched by nobody.
    nonisolated(unsafe) private let sources: [any DispatchSourceSignal]

    init(_ numbers: [Int32]) {
        let (stream, continuation) = AsyncStream<Int32>.makeStream()
        self.stream = stream
        sources = numbers.map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { @Sendable in continuation.yield(number) }
            source.resume()
            return source
        }
    }

    /// The next signal.
    func next() async -> Int32 {
        for await number in stream { return number }
        return SIGTERM
    }
}
