#include "base_directories.h"

#include <fcntl.h>

#include <fmt/format.h>

#include "gbuild/base/remove_tree.h"
#include "gbuild/bases/stand_in.h"
#include "gbuild/layer/directory.h"
#include "gbuild/pack/pack_store.h"

namespace gbuild::build {

namespace {

// A layer came from a cache that stands in for its registry, and the directory is filed as the registry's.
struct StoodIn {};

void clear(const std::filesystem::path& directory) {
    const UniqueFd held = open_file(directory, O_RDONLY | O_DIRECTORY);
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) names.push_back(entry.path().filename());
    for (const std::string& name : names) remove_entry(held.get(), name);
}

constexpr std::string_view snapshot_format = "4 image";

std::string snapshot_key(const std::string& owner_form, const std::vector<Digest>& layers) {
    std::string key = fmt::format("{}\n{}\n", snapshot_format, owner_form);
    for (const Digest& layer : layers) key += " " + layer.text();
    return key;
}

}  // namespace

std::optional<std::vector<Digest>> snapshot_layers(const std::string& key) {
    if (!key.starts_with(snapshot_format) || key.find(" from ") != std::string::npos) return std::nullopt;
    std::vector<Digest> layers;
    std::string_view rest = std::string_view(key).substr(key.rfind('\n') + 1);
    while (!rest.empty()) {
        rest.remove_prefix(1);
        const std::string_view text = rest.substr(0, rest.find(' '));
        const auto layer = Digest::parse(text);
        if (!layer) return std::nullopt;
        layers.push_back(*layer);
        rest.remove_prefix(text.size());
    }
    return layers;
}

BaseDirectories::BaseDirectories(const Environment& env, const StandIn* stand_in, ExtractionForm form) :
    env_(env), stand_in_(stand_in), form_(std::move(form)), outer_stop_(env.stop, [this] { stop_.request_stop(); }) {}

BaseDirectories::~BaseDirectories() {
    stop_.request_stop();
    // The threads take the lock at their end, so they are joined without it.
    Extractions ending = std::move(*extractions_.lock());
    for (auto& [image, extraction] : ending) extraction.thread.join();
}

void BaseDirectories::want(const BaseImage& image) {
    auto extractions = extractions_.lock();
    auto [place, added] = extractions->try_emplace(&image);
    if (!added) return;
    Extraction& extraction = place->second;
    try {
        extraction.thread = std::jthread([this, &image, &extraction] { extract(image, extraction); });
    } catch (...) {
        extractions->erase(place);  // nobody would end it
        throw;
    }
}

void BaseDirectories::add_layer(const Digest& layer, std::shared_ptr<const pack::Pack> pack) {
    arrived_.lock()->emplace(layer, std::move(pack));
    changed_.notify_all();
}

std::shared_ptr<const pack::Pack> BaseDirectories::wait_for_layer(const Digest& layer) {
    auto arrived = arrived_.lock();
    auto is_there = [&] { return arrived->contains(layer); };
    if (!changed_.wait(arrived.lock(), stop_.get_token(), is_there)) {
        throw Error(ErrorKind::interrupted, "interrupted");
    }
    return arrived->at(layer);
}

const std::filesystem::path& BaseDirectories::of(const BaseImage& image) {
    auto extractions = extractions_.lock();
    Extraction& extraction = extractions->at(&image);
    ended_.wait(extractions.lock(), [&] { return extraction.ended; });
    if (extraction.error) std::rethrow_exception(extraction.error);
    return extraction.snapshot->files;
}

store::Snapshot BaseDirectories::snapshot_of(const BaseImage& image) {
    const std::string key = snapshot_key(form_.owners, image.config.diff_ids);
    auto waiting = [&] {
        env_.events.emit(Notice{fmt::format("waiting for another gbuild that is extracting {}", image.name)});
    };
    const auto get = [&](const std::string& name, StandIns stand_ins) {
        const auto fill_it = [&](const std::filesystem::path& directory) { fill(image, directory, stand_ins); };
        return env_.store.snapshot(name, fill_it, waiting, stop_.get_token());
    };
    return with_context([&] { return fmt::format("extracting {}", image.name); },
                        [&] {
                            try {
                                return get(key, StandIns::refuse);
                            } catch (const StoodIn&) {
                                return get(key + " from " + stand_in_->scope(), StandIns::take);
                            }
                        });
}

const std::filesystem::path& BaseDirectories::renew(const BaseImage& image) {
    of(image);
    auto extractions = extractions_.lock();
    Extraction& extraction = extractions->at(&image);
    env_.store.drop_snapshot(std::move(*extraction.snapshot));
    extraction.snapshot.reset();
    extraction.snapshot = snapshot_of(image);
    return extraction.snapshot->files;
}

void BaseDirectories::extract(const BaseImage& image, Extraction& extraction) {
    std::optional<store::Snapshot> snapshot;
    std::exception_ptr error;
    try {
        snapshot = snapshot_of(image);
    } catch (...) {
        error = std::current_exception();
    }
    auto extractions = extractions_.lock();
    extraction.snapshot = std::move(snapshot);
    extraction.error = error;
    extraction.ended = true;
    ended_.notify_all();
}

void BaseDirectories::fill(const BaseImage& image, const std::filesystem::path& directory, StandIns stand_ins) {
    const ReportedActivity extracting(env_.events, {image.step, "extracting", image.name});
    const RootedDir root(directory);
    pack::PackSet packs(env_.packing);
    pack::ContentReader contents(packs);
    layer::ExtractOptions options = extraction_options(form_.ownership, contents);
    options.read = [this, read = std::move(options.read)](const tree::Inode& inode, const auto& take) {
        if (stop_.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted");
        read(inode, take);
    };
    tree::Tree written, arrived;
    for (const Digest& diff_id : image.config.diff_ids) {
        const auto pack = wait_for_layer(diff_id);
        if (stand_ins == StandIns::refuse && stand_in_ && stand_in_->stood_in(diff_id)) throw StoodIn();
        apply_pack(arrived, *pack, packs.add(pack), env_.max_files);
        try {
            layer::write_difference(written, arrived, root, layer::DirectoryForm::whole, options);
            written = arrived.clone();
        } catch (const Error& error) {
            // What cannot be written may be gone again with a later layer.
            if (error.kind() != ErrorKind::unsupported || diff_id == image.config.diff_ids.back()) throw;
            clear(directory);
            written = tree::Tree();
        }
    }
}

}  // namespace gbuild::build
