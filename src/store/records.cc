#include "records.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"

namespace gbuild::store {

namespace {

using nlohmann::json;

// JSON holds Unicode, file names are bytes: everything outside printable ASCII, and "%", becomes %XX.
std::string escape(std::string_view bytes) {
    std::string text;
    for (char c : bytes) {
        auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte > 0x7e || c == '%')
            text += fmt::format("%{:02x}", byte);
        else
            text += c;
    }
    return text;
}

std::optional<std::string> unescape(std::string_view text) {
    std::string bytes;
    for (size_t i = 0; i < text.size(); i++) {
        if (text[i] != '%') {
            bytes += text[i];
            continue;
        }
        std::byte byte;
        if (i + 2 >= text.size() || !from_hex(text.substr(i + 1, 2), std::span(&byte, 1))) return std::nullopt;
        bytes += static_cast<char>(byte);
        i += 2;
    }
    return bytes;
}

std::string text_at(const json& object, const char* key) { return object.at(key).get_ref<const std::string&>(); }

// `read` may throw what nlohmann throws for a missing or mistyped member.
template <class Record, class Read>
std::optional<Record> parse_record(std::string_view text, Read&& read) {
    json object = json::parse(text, nullptr, false);
    if (!object.is_object()) return std::nullopt;
    try {
        return read(object);
    } catch (const json::exception&) {
        return std::nullopt;
    }
}

}  // namespace

std::filesystem::path image_path(const std::string& repository, const std::string& tag) {
    return std::filesystem::path("images") / Digest::of(repository + '\0' + tag).hex();
}

std::optional<std::string> read_record(const std::filesystem::path& path) {
    auto fd = open_if_exists(path);
    if (!fd) return std::nullopt;
    if (file_size(fd->get()) > record_cap) return std::string();
    return read_text(fd->get(), record_cap, quoted(path.native()));
}

std::string ref_key(const std::string& reference, const std::string& platform) { return reference + '\0' + platform; }

std::string to_json(const RefRecord& record) {
    json object = {{"reference", escape(record.reference)},
                   {"platform", escape(record.platform)},
                   {"manifest", record.manifest.text()}};
    return object.dump(2) + "\n";
}

std::optional<RefRecord> parse_ref(std::string_view text) {
    return parse_record<RefRecord>(text, [](const json& object) -> std::optional<RefRecord> {
        auto reference = unescape(text_at(object, "reference"));
        auto platform = unescape(text_at(object, "platform"));
        auto manifest = Digest::parse(text_at(object, "manifest"));
        if (!reference || !platform || !manifest) return std::nullopt;
        return RefRecord{*reference, *platform, *manifest};
    });
}

std::string to_json(const DownloadRecord& record) {
    json object = {{"digest", record.digest.text()},
                   {"etag", escape(record.etag)},
                   {"last_modified", escape(record.last_modified)}};
    return object.dump(2) + "\n";
}

std::optional<DownloadRecord> parse_download(std::string_view text) {
    return parse_record<DownloadRecord>(text, [](const json& object) -> std::optional<DownloadRecord> {
        auto digest = Digest::parse(text_at(object, "digest"));
        auto etag = unescape(text_at(object, "etag"));
        auto last_modified = unescape(text_at(object, "last_modified"));
        if (!digest || !etag || !last_modified) return std::nullopt;
        return DownloadRecord{*digest, *etag, *last_modified};
    });
}

std::string to_json(const ImageRecord& record) {
    json object = {{"repository", escape(record.repository)},
                   {"tag", escape(record.tag)},
                   {"image_id", escape(record.image_id)},
                   {"sha3", escape(record.sha3)},
                   {"created", record.created},
                   {"size", record.size},
                   {"file", escape(record.file)}};
    return object.dump(2) + "\n";
}

std::optional<ImageRecord> parse_image(std::string_view text) {
    return parse_record<ImageRecord>(text, [](const json& object) -> std::optional<ImageRecord> {
        auto repository = unescape(text_at(object, "repository"));
        auto tag = unescape(text_at(object, "tag"));
        auto image_id = unescape(text_at(object, "image_id"));
        auto sha3 = unescape(text_at(object, "sha3"));
        auto file = unescape(text_at(object, "file"));
        if (!repository || !tag || !image_id || !sha3 || !file) return std::nullopt;
        if (!object.at("created").is_number_integer() || !object.at("size").is_number_unsigned()) return std::nullopt;
        return ImageRecord{*repository, *tag, *image_id, *sha3, object["created"], object["size"], *file};
    });
}

}  // namespace gbuild::store
