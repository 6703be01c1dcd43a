// The two forms in which an image is handed over.
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include <fmt/format.h>

#include "gbuild/base/atomic_file.h"
#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"
#include "gbuild/exporter/container_image.h"
#include "gbuild/oci/json.h"
#include "gbuild/oci/manifest.h"
#include "gbuild/oci/media_type.h"

namespace gbuild::exporter {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* layout_marker = "oci-layout";
constexpr const char* layout_text = R"({"imageLayoutVersion":"1.0.0"})";
constexpr const char* index_name = "index.json";
constexpr const char* reference_annotation = "org.opencontainers.image.ref.name";
constexpr const char* name_annotation = "io.containerd.image.name";

std::string blob_path(const Digest& digest) { return fmt::format("blobs/sha256/{}", digest.hex()); }

// What containerd and docker call it: with a registry.
std::string full_name(const oci::ImageName& name) { return oci::Reference::parse(name.text()).text(); }

json index_entry(const ContainerImage& image, const oci::ImageName* name) {
    json annotations = image.descriptor_annotations;
    if (name) {
        annotations[reference_annotation] = name->tag;
        annotations[name_annotation] = full_name(*name);
    }
    json platform = {{"architecture", image.platform.architecture}, {"os", image.platform.os}};
    if (!image.platform.variant.empty()) platform["variant"] = image.platform.variant;
    json entry = {{"mediaType", oci::media_type::oci_manifest},
                  {"digest", image.manifest.text()},
                  {"size", image.manifest_json.size()},
                  {"platform", platform}};
    if (!annotations.empty()) entry["annotations"] = annotations;
    return entry;
}

json index_of(const ContainerImage& image) {
    json manifests = json::array();
    for (const oci::ImageName& name : image.names) manifests.push_back(index_entry(image, &name));
    if (image.names.empty()) manifests.push_back(index_entry(image, nullptr));
    return {{"schemaVersion", 2}, {"mediaType", oci::media_type::oci_index}, {"manifests", manifests}};
}

std::string docker_manifest(const ContainerImage& image) {
    json tags = json::array();
    for (const oci::ImageName& name : image.names) tags.push_back(name.text());
    return oci::dump_json(json::array({{{"Config", blob_path(image.config)},
                                        {"RepoTags", image.names.empty() ? json(nullptr) : tags},
                                        {"Layers", {blob_path(image.layer.digest)}}}}));
}

std::string docker_repositories(const ContainerImage& image) {
    json repositories = json::object();
    for (const oci::ImageName& name : image.names) repositories[name.repository][name.tag] = image.layer.digest.hex();
    return oci::dump_json(repositories);
}

void copy_layer(const ContainerImage& image, const ByteConsumer& output) {
    std::array<std::byte, 1 << 16> buffer;
    for (uint64_t at = 0; at < image.layer.size;) {
        const auto part = std::span(buffer).first(std::min<uint64_t>(buffer.size(), image.layer.size - at));
        pread_exact(image.layer_fd, part, at, "the layer");
        output(part);
        at += part.size();
    }
}

// A directory of that name and nothing else, so that nothing is written elsewhere.
void make_plain_directory(const fs::path& path) {
    if (::mkdir(path.c_str(), 0777) == 0) return;
    const int error = errno;
    if (error != EEXIST) throw system_error(error, fmt::format("cannot create {}", quoted(path.native())));
    if (fs::is_directory(fs::symlink_status(path))) return;
    throw Error(ErrorKind::conflict, fmt::format("{} is there and is not a directory", quoted(path.native())))
        .hint("choose another dest=");
}

bool replaced_by(const json& entry, const ContainerImage& image) {
    const auto annotations = entry.find("annotations");
    const bool named = annotations != entry.end() && annotations->is_object() &&
                       annotations->contains(reference_annotation) && annotations->at(reference_annotation).is_string();
    if (!named) return image.names.empty();
    const auto& reference = annotations->at(reference_annotation).get_ref<const std::string&>();
    return std::any_of(image.names.begin(), image.names.end(),
                       [&](const oci::ImageName& name) { return name.tag == reference; });
}

// Entries of an earlier index that the new image does not take the place of.
void keep_others(json& index, const fs::path& file, const ContainerImage& image) {
    if (!fs::exists(file)) return;
    const std::string what = quoted(file.native());
    const json earlier = oci::parse_json(read_text_file(file, oci::max_manifest_size), what);
    if (!earlier.is_object() || !earlier.contains("manifests") || !earlier["manifests"].is_array()) {
        throw Error(ErrorKind::integrity, fmt::format("{} is no index of images", what)).hint("choose another dest=");
    }
    for (const json& entry : earlier["manifests"]) {
        if (entry.is_object() && !replaced_by(entry, image)) index["manifests"].push_back(entry);
    }
}

void require_layout(const fs::path& directory) {
    if (fs::is_empty(directory) || fs::exists(directory / layout_marker)) return;
    throw Error(ErrorKind::conflict, fmt::format("{} is neither empty nor an OCI layout", quoted(directory.native())))
        .hint("give a new or an empty directory with dest=");
}

}  // namespace

void write_archive(const ContainerImage& image, ArchiveFormat format, const ByteConsumer& output) {
    TarWriter tar(output);
    auto add = [&](const std::string& path, const std::string& text) {
        tar.add_file(path, text.size(), image.created);
        tar.data(as_bytes(text));
    };
    tree::Inode directory;
    directory.mtime = image.created;
    tar.add("blobs", directory);
    tar.add("blobs/sha256", directory);
    add(blob_path(image.config), image.config_json);
    add(blob_path(image.manifest), image.manifest_json);
    tar.add_file(blob_path(image.layer.digest), image.layer.size, image.created);
    copy_layer(image, [&](std::span<const std::byte> bytes) { tar.data(bytes); });
    add(index_name, oci::dump_json(index_of(image)));
    if (format == ArchiveFormat::docker) add("manifest.json", docker_manifest(image));
    add(layout_marker, layout_text);
    if (format == ArchiveFormat::docker) add("repositories", docker_repositories(image));
    tar.finish();
}

void write_layout(const ContainerImage& image, const fs::path& directory) {
    fs::create_directories(directory);
    require_layout(directory);
    make_plain_directory(directory / "blobs");
    make_plain_directory(directory / "blobs/sha256");
    write_file_atomically(directory / blob_path(image.config), image.config_json);
    write_file_atomically(directory / blob_path(image.manifest), image.manifest_json);
    AtomicFile layer(directory / blob_path(image.layer.digest));
    copy_layer(image, [&](std::span<const std::byte> bytes) { write_all(layer.fd(), bytes); });
    layer.commit();
    json index = index_of(image);
    keep_others(index, directory / index_name, image);
    write_file_atomically(directory / layout_marker, layout_text);
    // Last: until now the layout is what it was.
    write_file_atomically(directory / index_name, oci::dump_json(index));
}

}  // namespace gbuild::exporter
