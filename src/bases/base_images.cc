#include "gbuild/bases/base_images.h"

#include <exception>
#include <future>

#include <fmt/format.h>

#include "gbuild/base/synchronized.h"
#include "gbuild/base/text.h"
#include "gbuild/registry/retry.h"

namespace gbuild::build {

namespace {

// What a base is filed under: its name in the Dockerfile and its platform.
std::string key_of(const plan::Base& base) {
    if (const auto* image = std::get_if<plan::ImageBase>(&base)) return image->reference + " " + image->platform.text();
    if (const auto* named = std::get_if<plan::NamedContextBase>(&base))
        return named->name + " " + named->platform.text();
    throw Error(ErrorKind::internal, "a base that is no image was asked for");
}

std::string name_of(const plan::Base& base) {
    if (const auto* image = std::get_if<plan::ImageBase>(&base)) return image->reference;
    return std::get<plan::NamedContextBase>(base).name;
}

// Told of a platform that is not the usual one, so that an image for two of them is resolved under two names.
std::string of_platform(const oci::Platform& platform) {
    return platform.text() == oci::Platform().text() ? "" : fmt::format(" for {}", platform.text());
}

// A small blob in memory.
class MemorySink : public BlobSink {
  public:
    explicit MemorySink(size_t cap) : cap_(cap) {}
    uint64_t received() const override { return text_.size(); }
    void append(std::span<const std::byte> bytes) override {
        if (bytes.size() > cap_ - text_.size()) {
            throw Error(ErrorKind::limit, fmt::format("an image configuration is larger than {}", human_size(cap_)));
        }
        text_ += as_text(bytes);
    }
    void restart() override { text_.clear(); }
    std::string take() { return std::move(text_); }

  private:
    size_t cap_;
    std::string text_;
};

void check_config(const BaseImage& image, const oci::Platform& platform) {
    size_t layers = image.resolved.manifest.layers.size();
    if (image.config.diff_ids.size() != layers) {
        throw Error(ErrorKind::integrity, fmt::format("{} has {} layers, but its configuration names {}", image.name,
                                                      layers, image.config.diff_ids.size()));
    }
    // Where an index names the platform, it decides: many configurations were copied from one of another platform. So
    // does containerd.
    oci::Platform offered = image.resolved.platform.value_or(image.config.platform);
    if (oci::may_match(platform, offered)) return;
    if (offered.os.empty()) offered.os = platform.os;
    if (offered.architecture.empty()) offered.architecture = platform.architecture;
    throw Error(ErrorKind::unsupported,
                fmt::format("{} is an image for {}, not for {}", image.name, offered.text(), platform.text()))
        .hint(fmt::format("build with --platform {} (Golem providers run linux/amd64)", offered.text()));
}

}  // namespace

bool is_external(const plan::Base& base) {
    return std::holds_alternative<plan::ImageBase>(base) || std::holds_alternative<plan::NamedContextBase>(base);
}

BaseImages::BaseImages(PullPolicy pull, const Environment& env, StandIn* stand_in,
                       std::map<std::string, NamedContext> contexts) :
    pull_(pull),
    store_(env.store),
    stand_in_(stand_in),
    contexts_(std::move(contexts)),
    events_(env.events),
    outer_stop_(env.stop, [this] { stop_.request_stop(); }),
    client_(env.client),
    archives_(env.store) {}

void BaseImages::resolve(const std::vector<plan::NeededBase>& bases) {
    Synchronized<std::exception_ptr> first;
    const auto fail = [&] {
        auto error = first.lock();
        if (!*error) *error = std::current_exception();
        stop_.request_stop();
    };
    auto task = [&](const plan::NeededBase& needed) {
        try {
            return resolve_named(needed);
        } catch (...) {
            fail();
            throw;
        }
    };
    std::map<std::string, std::future<BaseImage>> running;
    try {
        for (const auto& needed : bases) {
            std::string key = key_of(needed.base);
            if (running.contains(key) || images_.contains(key)) continue;
            running.emplace(key, std::async(std::launch::async, task, needed));
        }
    } catch (...) {
        fail();
    }
    for (auto& [key, image] : running) image.wait();
    if (const auto error = *first.lock()) std::rethrow_exception(error);
    for (auto& [key, image] : running) images_.emplace(key, image.get());
}

std::optional<oci::ImageConfig> BaseImages::known_config(const plan::Base& base) const {
    const auto* image = std::get_if<plan::ImageBase>(&base);
    const auto* named = std::get_if<plan::NamedContextBase>(&base);
    const NamedContext* context = named ? &contexts_.at(named->name) : nullptr;
    const auto* registry = context ? std::get_if<RegistryContext>(context) : nullptr;
    try {
        if (image) return remembered(image->reference, image->platform);
        if (registry) return remembered(registry->reference, named->platform);
        const auto* layout = context ? std::get_if<OciLayoutContext>(context) : nullptr;
        if (!layout) return std::nullopt;
        BaseImage found{"", registry::open_oci_layout(layout->path, layout->reference), {}, {}, true};
        found.resolved = registry::resolve_image(*found.source, named->platform, stop_.get_token());
        MemorySink sink(oci::max_config_size);
        found.source->fetch_blob(found.resolved.manifest.config, sink, stop_.get_token());
        return oci::parse_image_config(sink.take());
    } catch (const Error&) {
        return std::nullopt;  // whatever it is, resolve() will tell
    }
}

std::optional<oci::ImageConfig> BaseImages::remembered(const std::string& reference,
                                                       const oci::Platform& platform) const {
    if (pull_ == PullPolicy::always) return std::nullopt;
    return remembered_config(store_, reference, platform);
}

const BaseImage& BaseImages::at(const plan::Base& base) const {
    auto found = images_.find(key_of(base));
    if (found == images_.end()) throw Error(ErrorKind::internal, "a base was not resolved: " + key_of(base));
    return found->second;
}

void BaseImages::set_step(const plan::Base& base, int step) {
    const auto found = images_.find(key_of(base));
    if (found != images_.end() && found->second.step == 0) found->second.step = step;
}

BaseImage BaseImages::resolve_named(const plan::NeededBase& needed) {
    try {
        return with_context([&] { return "resolving " + name_of(needed.base); },
                            [&] { return resolve_one(needed.base); });
    } catch (Error& error) {
        if (!error.span()) error.at(needed.span);
        // Neither a password nor another registry would help.
        if (!needed.hint.empty()) error.hint(needed.hint);
        throw;
    }
}

BaseImage BaseImages::resolve_one(const plan::Base& base) {
    const auto* named = std::get_if<plan::NamedContextBase>(&base);
    if (!named) {
        const auto& image = std::get<plan::ImageBase>(base);
        return from_registry(image.reference, image.platform);
    }
    const NamedContext& context = contexts_.at(named->name);
    if (const auto* image = std::get_if<RegistryContext>(&context)) {
        return from_registry(image->reference, named->platform);
    }
    if (const auto* layout = std::get_if<OciLayoutContext>(&context)) {
        return from_archive(
            "oci-layout://" + layout->path,
            registry::open_oci_layout(layout->path, layout->reference, archives_.unpacker(stop_.get_token())),
            named->platform);
    }
    if (const auto* archive = std::get_if<DockerArchiveContext>(&context)) {
        return from_archive(
            "docker-archive://" + archive->path,
            registry::open_docker_archive(archive->path, archive->reference, archives_.unpacker(stop_.get_token())),
            named->platform);
    }
    throw Error(ErrorKind::internal, fmt::format("the build context {} is no image", quoted(named->name)));
}

BaseImage BaseImages::from_registry(const std::string& text, const oci::Platform& platform) {
    const auto reference = oci::Reference::parse(text);
    try {
        return from_registry(reference, platform);
    } catch (const registry::NoAnswer&) {
        if (auto image = from_cache(reference, platform)) return std::move(*image);
        throw;
    }
}

BaseImage BaseImages::from_registry(const oci::Reference& reference, const oci::Platform& platform) {
    if (pull_ != PullPolicy::always) {
        if (auto image = from_store(reference, platform)) return std::move(*image);
    }
    if (pull_ == PullPolicy::never) {
        throw Error(ErrorKind::not_found,
                    fmt::format("{} is not in the store for {}", reference.familiar(), platform.text()))
            .hint("build without --pull=never, so that it is pulled");
    }
    BaseImage image = unresolved(reference);
    const ReportedActivity resolving(events_, {0, "resolving", image.name + of_platform(platform)});
    image.resolved = registry::resolve_image(*image.source, platform, stop_.get_token());
    read_config(image, platform);
    store_.put_blob(image.resolved.manifest_digest, image.resolved.manifest_json);
    store_.remember(reference.text(), platform.text(), image.resolved.manifest_digest);
    return image;
}

BaseImage BaseImages::unresolved(const oci::Reference& reference) {
    BaseImage image{reference.familiar(), client_.image(reference), {}, {}, pull_ != PullPolicy::never};
    image.needs_registry = reference.digest().has_value() || pull_ == PullPolicy::always;
    return image;
}

// What a reference stands for is not remembered: that is for its registry to say. The documents are what their digests
// say, whoever brings them.
std::optional<BaseImage> BaseImages::from_cache(const oci::Reference& reference, const oci::Platform& platform) {
    BaseImage image = unresolved(reference);
    if (!stand_in_ || image.needs_registry) return std::nullopt;
    auto found = stand_in_->stand_in(reference.text(), platform.text(), reference.familiar());
    if (!found) return std::nullopt;
    image.is_from_cache = true;
    image.resolved.manifest = std::get<oci::Manifest>(oci::parse_manifest(found->manifest, ""));
    store_.put_blob(found->manifest_digest, found->manifest);
    store_.put_blob(image.resolved.manifest.config.digest, found->config);
    image.resolved.manifest_json = std::move(found->manifest);
    image.resolved.manifest_digest = image.resolved.root_digest = found->manifest_digest;
    image.resolved.platform = platform;
    read_config(image, platform);
    return image;
}

BaseImage BaseImages::from_archive(std::string name, std::unique_ptr<registry::ImageSource> source,
                                   const oci::Platform& platform) {
    BaseImage image{std::move(name), std::move(source), {}, {}, true};
    image.resolved = registry::resolve_image(*image.source, platform, stop_.get_token());
    read_config(image, platform);
    return image;
}

// The image as the store remembers it; nullopt when any piece of that is gone.
std::optional<BaseImage> BaseImages::from_store(const oci::Reference& reference, const oci::Platform& platform) {
    auto digest = store_.remembered(reference.text(), platform.text());
    if (!digest) return std::nullopt;
    auto json = store_.read_blob(*digest, oci::max_manifest_size);
    if (!json) return std::nullopt;
    BaseImage image = unresolved(reference);
    image.resolved.manifest = std::get<oci::Manifest>(oci::parse_manifest(*json, ""));
    image.resolved.manifest_json = std::move(*json);
    image.resolved.manifest_digest = image.resolved.root_digest = *digest;
    // It was found to be one for this platform before it was remembered.
    image.resolved.platform = platform;
    if (pull_ == PullPolicy::never) {
        auto config = store_.read_blob(image.resolved.manifest.config.digest, oci::max_config_size);
        if (!config) return std::nullopt;
    }
    read_config(image, platform);
    return image;
}

void BaseImages::read_config(BaseImage& image, const oci::Platform& platform) {
    const oci::Descriptor& descriptor = image.resolved.manifest.config;
    auto json = store_.read_blob(descriptor.digest, oci::max_config_size);
    if (!json) {
        MemorySink sink(oci::max_config_size);
        image.source->fetch_blob(descriptor, sink, stop_.get_token());
        json = sink.take();
        with_context("reading the image configuration", [&] { store_.put_blob(descriptor.digest, *json); });
    }
    image.config = oci::parse_image_config(*json);
    check_config(image, platform);
}

std::optional<oci::ImageConfig> remembered_config(const store::Store& store, const std::string& reference,
                                                  const oci::Platform& platform) {
    auto digest = store.remembered(oci::Reference::parse(reference).text(), platform.text());
    auto manifest = digest ? store.read_blob(*digest, oci::max_manifest_size) : std::nullopt;
    if (!manifest) return std::nullopt;
    const auto parsed = oci::parse_manifest(*manifest, "");
    const auto* of_image = std::get_if<oci::Manifest>(&parsed);
    auto config = of_image ? store.read_blob(of_image->config.digest, oci::max_config_size) : std::nullopt;
    if (!config) return std::nullopt;
    return oci::parse_image_config(*config);
}

std::optional<oci::ImageConfig> remembered_config(const std::filesystem::path& root, const std::string& reference,
                                                  const oci::Platform& platform) {
    std::error_code ignored;
    if (!std::filesystem::exists(root, ignored)) return std::nullopt;
    try {
        return remembered_config(store::Store(root), reference, platform);
    } catch (const Error&) {
        return std::nullopt;
    }
}

}  // namespace gbuild::build
