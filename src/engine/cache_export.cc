#include "cache_export.h"

#include <algorithm>
#include <future>
#include <set>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/pack/pack_store.h"
#include "gbuild/registry/artifact.h"
#include "gbuild/steps/step_change.h"

namespace gbuild::build {

namespace {

constexpr size_t uploads_at_once = 4;
constexpr int first_upload = 2'000'000;  // transfers of layers that are pulled or fetched have lower numbers

// A blob and where its bytes are.
struct Outgoing {
    oci::Descriptor blob;
    std::shared_ptr<const registry::BlobContent> content;  // null: only a destination that has it can be given it
};

Outgoing outgoing_text(std::string text, const char* media_type) {
    Outgoing out{registry::describe(text, media_type), nullptr};
    out.content = std::make_shared<registry::TextContent>(std::move(text));
    return out;
}

class Exporting {
  public:
    Exporting(const ExportJob& job, CacheMode mode) :
        job_(job), outer_stop_(job.env.stop, [this] { stop_.request_stop(); }) {
        std::set<size_t> stages = stages_below_target(job.plan);
        if (mode == CacheMode::max) {
            for (size_t stage = 0; stage < job.plan.stages.size(); stage++) stages.insert(stage);
        }
        for (size_t stage : stages) add_base(job.plan.stages[stage].base);
        std::vector<CachedStep> steps;
        for (const UsedStep& step : job.stages.used()) {
            if (!stages.contains(step.stage)) continue;
            add_layers(step.changes);
            steps.push_back({step.key, step.changes});
        }
        std::sort(steps.begin(), steps.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
        outgoing_.push_back(outgoing_text(encode_steps(steps), cache_type::steps));
        for (const Digest& layer : layers_) add_pack(layer);
    }

    // Returns what the manifest will name.
    oci::Artifact send(registry::ImageDestination& destination) {
        Synchronized<std::exception_ptr> first;
        const auto fail = [&] {
            auto error = first.lock();
            if (!*error) *error = std::current_exception();
            stop_.request_stop();
        };
        std::atomic<size_t> next = 0;
        const auto work = [&] {
            try {
                for (size_t at = next++; at < outgoing_.size(); at = next++) send_blob(destination, at);
            } catch (...) {
                fail();
            }
        };
        std::vector<std::future<void>> workers;  // last: they use the others
        try {
            for (size_t i = 0; i < std::min(uploads_at_once, outgoing_.size()); i++) {
                workers.push_back(std::async(std::launch::async, work));
            }
        } catch (...) {
            fail();
        }
        for (auto& worker : workers) worker.wait();
        if (const auto error = *first.lock()) std::rethrow_exception(error);
        oci::Artifact artifact;
        for (const Outgoing& one : outgoing_) artifact.layers.push_back(one.blob);
        return artifact;
    }
    std::string references() const { return encode_references(references_); }

  private:
    void add_base(const plan::Base& base) {
        if (!is_external(base)) return;
        const BaseImage& image = job_.bases.at(base);
        layers_.insert(image.config.diff_ids.begin(), image.config.diff_ids.end());
        const auto config = job_.env.store.read_blob(image.resolved.manifest.config.digest, oci::max_config_size);
        const auto* named = std::get_if<plan::ImageBase>(&base);
        if (!config || !named || !bases_.insert(image.name + " " + named->platform.text()).second) return;
        const auto reference = oci::Reference::parse(named->reference);
        references_.push_back({reference.text(), named->platform.text(), image.resolved.manifest_digest});
        outgoing_.push_back(outgoing_text(image.resolved.manifest_json, cache_type::document));
        outgoing_.push_back(outgoing_text(*config, cache_type::document));
    }

    void add_layers(const std::string& changes) {
        for (const StepChange& change : decode_changes(changes)) {
            layers_.insert(change.layers.begin(), change.layers.end());
            if (change.packed) layers_.insert(*change.packed);
        }
    }

    // A layer that is nowhere any more is left out: who reads the cache then executes the step.
    void add_pack(const Digest& layer) {
        const pack::PackOptions& packing = job_.env.packing;
        Outgoing out;
        if (auto file = job_.env.store.open_pack(pack_key(layer, packing))) {
            auto content = std::make_shared<registry::FileContent>(std::move(*file));
            out.blob.digest = digest_of(*content);
            out.blob.size = content->size();
            out.content = std::move(content);
        } else if (auto blob = job_.imported.blob_of(layer)) {
            out.blob.digest = blob->digest;
            out.blob.size = blob->size;
        } else {
            return;
        }
        out.blob.media_type = cache_type::pack;
        out.blob.annotations = {{cache_annotation::layer, layer.text()}, {cache_annotation::packing, packing.key()}};
        packs_.emplace(outgoing_.size(), layer);
        outgoing_.push_back(std::move(out));
    }

    static Digest digest_of(const registry::BlobContent& content) {
        constexpr uint64_t run_size = 1 << 20;
        std::vector<std::byte> run(run_size);
        Hasher hasher(HashAlgorithm::sha256);
        for (uint64_t at = 0; at < content.size(); at += run_size) {
            const std::span<std::byte> part(run.data(), static_cast<size_t>(std::min(run_size, content.size() - at)));
            content.read(at, part);
            hasher.update(part);
        }
        Sha256Sum sum;
        hasher.finish(sum);
        return Digest::of_sha256(sum);
    }

    void send_blob(registry::ImageDestination& destination, size_t at) {
        Outgoing& out = outgoing_[at];
        const int transfer = first_upload + static_cast<int>(at);
        job_.env.events.emit(
            TransferStarted{transfer, 0, out.blob.digest.text().substr(0, 19), "sending", out.blob.size});
        const bool is_there = destination.has_blob(out.blob, stop_.get_token());
        if (!is_there) {
            if (!out.content) out.content = fetched(packs_.at(at));
            destination.put_blob(out.blob, *out.content, stop_.get_token(), [&](uint64_t sent) {
                job_.env.events.emit(TransferProgress{transfer, sent});
            });
        }
        job_.env.events.emit(TransferFinished{transfer, is_there});
    }

    // From the cache that this build read, which may be another one.
    std::shared_ptr<const registry::BlobContent> fetched(const Digest& layer) {
        if (const auto pack = job_.imported.pass_on(layer)) {
            return std::make_shared<registry::FileContent>(pack->open_file());
        }
        throw Error(ErrorKind::not_found, fmt::format("the layer {} cannot be had any more", layer.short_hex()));
    }

    const ExportJob& job_;
    std::stop_source stop_;
    std::stop_callback<std::function<void()>> outer_stop_;
    std::set<Digest> layers_;
    std::set<std::string> bases_;
    std::vector<CachedReference> references_;
    std::vector<Outgoing> outgoing_;
    std::map<size_t, Digest> packs_;  // by place in outgoing_
};

std::unique_ptr<registry::ImageDestination> open_destination(const CacheTarget& target, registry::Client& client) {
    if (const auto* remote = std::get_if<RegistryCache>(&target.place)) return client.destination(remote->reference);
    const auto& local = std::get<LocalCache>(target.place);
    return registry::open_layout_destination(local.directory, local.tag);
}

template <class Body>
void writing(const registry::ImageDestination& destination, Body&& body) {
    with_context([&] { return fmt::format("writing the cache {}", destination.name()); }, body);
}

}  // namespace

template <class Body>
void CacheExports::attempt(const CacheTarget& target, Body&& body) const {
    try {
        body();
    } catch (const Error& error) {
        if (!target.ignore_error || error.kind() == ErrorKind::interrupted) throw;
        env_.events.emit(Warning{"cache-export", error.message(), std::nullopt, error.hint()});
    }
}

CacheExports::CacheExports(const ExportJob& job) : env_(job.env) {
    for (const CacheTarget& target : job.options.cache_to) {
        attempt(target, [&] {
            auto destination = open_destination(target, job.env.client);
            writing(*destination, [&] {
                Exporting exporting(job, target.mode);
                oci::Artifact artifact = exporting.send(*destination);
                sent_.push_back({target, std::move(destination), std::move(artifact), exporting.references()});
            });
        });
    }
}

void CacheExports::commit() {
    for (Sent& sent : sent_) {
        attempt(sent.target, [&] {
            writing(*sent.destination, [&] {
                registry::put_artifact(*sent.destination, oci::cache_artifact, std::move(sent.artifact),
                                       sent.references, env_.stop);
            });
        });
    }
}

}  // namespace gbuild::build
