// The plugin my-plugin: gatehouse.h is the contract, summary.cpp does the work.

#include <exception>
#include <memory>
#include <new>
#include <string_view>

#include "gatehouse.h"
#include "summary.hpp"

namespace {

GatehouseDescriptor make_descriptor() {
    GatehouseDescriptor it{};
    it.struct_size = sizeof it;
    it.flags = GATEHOUSE_REENTRANT | GATEHOUSE_SAFE_TO_CLOSE;
    it.id = "my-plugin";
    it.name = "My plugin";
    it.vendor = "";
    it.version = "0.1.0";
    it.license = "Apache-2.0";
    it.modality = "text";
    it.media_types = "text/plain";
    it.output_kinds = GATEHOUSE_OUTPUT_TEXT;
    return it;
}

const GatehouseDescriptor descriptor = make_descriptor();

GatehouseStatus fail(const GatehouseHost *host, GatehouseStatus status, std::string_view why) {
    host->set_error(host->ctx, why.data(), why.size());
    return status;
}

// One instance. Made by create, deleted by destroy.
class Plugin {
public:
    explicit Plugin(const GatehouseHost *host) : host(host) {
        face.struct_size = sizeof face;
        face.ctx = this;
        face.destroy = [](void *ctx) { delete static_cast<Plugin *>(ctx); };
        face.reset = [](void *) -> GatehouseStatus { return GATEHOUSE_OK; };
        face.describe = [](void *, GatehouseOutputs *outputs) -> GatehouseStatus {
            *outputs = {};
            outputs->struct_size = sizeof *outputs;
            outputs->kinds = GATEHOUSE_OUTPUT_TEXT;
            return GATEHOUSE_OK;
        };
        face.encode = [](void *ctx, const GatehouseJob *job, const GatehouseInput *input,
                         const GatehouseSink *sink) -> GatehouseStatus {
            auto plugin = static_cast<Plugin *>(ctx);
            // Nothing is thrown across the boundary.
            try {
                return plugin->encode(*job, *input, *sink);
            } catch (const std::bad_alloc &) {
                return fail(plugin->host, GATEHOUSE_OUT_OF_MEMORY, "there is not enough memory");
            } catch (const std::exception &error) {
                return fail(plugin->host, GATEHOUSE_FAILED, error.what());
            }
        };
    }

    GatehouseInstance face{};

private:
    const GatehouseHost *host;

    GatehouseStatus encode(const GatehouseJob &job, const GatehouseInput &input, const GatehouseSink &sink) {
        for (std::uint32_t i = 0; i < input.part_count; i++) {
            const GatehousePart &part = input.parts[i];
            if (job.cancelled(job.ctx)) return GATEHOUSE_CANCELLED;
            if (part.kind != GATEHOUSE_PART_ENCODED || part.media_type != std::string_view("text/plain")) {
                return fail(host, GATEHOUSE_UNSUPPORTED, "only files of the type text/plain are taken");
            }
            std::string_view bytes(reinterpret_cast<const char *>(part.data), part.size);
            GatehouseStatus status = send(Summary(bytes).description(), i, sink);
            if (status != GATEHOUSE_OK) return status;
        }
        job.progress(job.ctx, 1);
        return GATEHOUSE_OK;
    }

    static GatehouseStatus send(const std::string &line, std::uint32_t part, const GatehouseSink &sink) {
        GatehouseText text{};
        text.struct_size = sizeof text;
        text.data = line.data();
        text.size = line.size();
        GatehouseStatus status = sink.begin(sink.ctx, part, GATEHOUSE_OUTPUT_TEXT, text.size);
        if (status == GATEHOUSE_OK) status = sink.text(sink.ctx, &text);
        if (status == GATEHOUSE_OK) status = sink.end(sink.ctx);
        return status;
    }
};

GatehouseStatus create(void *, const char *id, const GatehouseCreateArguments *arguments, const GatehouseJob *,
                       const GatehouseInstance **instance) {
    if (id != std::string_view(descriptor.id)) {
        return fail(arguments->host, GATEHOUSE_UNSUPPORTED, "this library holds the plugin my-plugin only");
    }
    auto plugin = new (std::nothrow) Plugin(arguments->host);
    if (!plugin) return fail(arguments->host, GATEHOUSE_OUT_OF_MEMORY, "there is no memory for an instance");
    *instance = &plugin->face;
    return GATEHOUSE_OK;
}

GatehouseEntry make_entry() {
    GatehouseEntry it{};
    it.magic = GATEHOUSE_MAGIC;
    it.struct_size = sizeof it;
    it.abi_major = GATEHOUSE_ABI_MAJOR;
    it.abi_minor = GATEHOUSE_ABI_MINOR;
    it.toolchain = "c++ " __VERSION__;
    it.initialize = [](void *, const GatehouseHost *) -> GatehouseStatus { return GATEHOUSE_OK; };
    it.finalize = [](void *) {};
    it.plugin_count = [](void *) -> std::uint32_t { return 1; };
    it.plugin = [](void *, std::uint32_t index) { return index == 0 ? &descriptor : nullptr; };
    it.create = create;
    return it;
}

const GatehouseEntry entry = make_entry();

}  // namespace

const GatehouseEntry *gatehouse_plugin_entry() {
    return &entry;
}
