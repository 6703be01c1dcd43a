// The small JSON files of the store. Parsing gives nullopt for anything that is not a whole, sane record.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gbuild/base/digest.h"
#include "gbuild/store/images.h"
#include "gbuild/store/store.h"

namespace gbuild::store {

constexpr size_t record_cap = size_t{64} * 1024;

struct RefRecord {
    std::string reference;
    std::string platform;
    Digest manifest;
};

// What the record is found by.
std::string ref_key(const std::string& reference, const std::string& platform);
std::string to_json(const RefRecord& record);
std::optional<RefRecord> parse_ref(std::string_view json);

std::string to_json(const DownloadRecord& record);
std::optional<DownloadRecord> parse_download(std::string_view json);

// Where the record of an image is, below the store's root.
std::filesystem::path image_path(const std::string& repository, const std::string& tag);

// A record's text; nullopt when there is none. One that is too large to be sane reads as empty, which parses as
// nothing.
std::optional<std::string> read_record(const std::filesystem::path& path);

std::string to_json(const ImageRecord& record);
std::optional<ImageRecord> parse_image(std::string_view json);

}  // namespace gbuild::store
