// The small JSON files of the store. Parsing gives nullopt for anything that is not a whole, sane record.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gbuild/store/store.h"

namespace gbuild::store {

constexpr size_t record_cap = size_t{64} * 1024;

struct RefRecord {
    std::string reference;
    std::string platform;
    Digest manifest;
};

std::string to_json(const RefRecord& record);
std::optional<RefRecord> parse_ref(std::string_view json);

std::string to_json(const ImageRecord& record);
std::optional<ImageRecord> parse_image(std::string_view json);

}  // namespace gbuild::store
