#include "gbuild/steps/cache_format.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "gbuild/base/binary.h"
#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"

namespace gbuild::build {

namespace {

using nlohmann::json;

constexpr int cache_version = 1;
constexpr std::string_view steps_format = "gbuild steps 1";

[[noreturn]] void refuse_cache(const char* what) {
    throw Error(ErrorKind::integrity, fmt::format("the cache is malformed: {}", what));
}

Digest checked_digest(std::string_view text) {
    auto digest = Digest::parse(text);
    if (!digest) refuse_cache("a digest is none");
    return *digest;
}

std::string member(const json& object, const char* name) {
    const auto found = object.find(name);
    if (found == object.end() || !found->is_string()) refuse_cache("a member of a reference is missing");
    return found->get<std::string>();
}

}  // namespace

std::string encode_references(const std::vector<CachedReference>& references) {
    json list = json::array();
    for (const CachedReference& one : references) {
        list.push_back({{"reference", one.reference}, {"platform", one.platform}, {"manifest", one.manifest.text()}});
    }
    return json{{"version", cache_version}, {"references", list}}.dump(-1, ' ', true, json::error_handler_t::replace);
}

std::vector<CachedReference> decode_references(std::string_view text) {
    const json object = json::parse(text, nullptr, false);
    if (!object.is_object()) refuse_cache("its configuration is no JSON object");
    if (object.value("version", json()) != cache_version) {
        throw Error(ErrorKind::unsupported, "the cache was written by another version of gbuild");
    }
    const auto list = object.find("references");
    if (list == object.end() || !list->is_array()) refuse_cache("its references are missing");
    std::vector<CachedReference> references;
    for (const json& one : *list) {
        if (!one.is_object()) refuse_cache("a reference is no object");
        references.push_back(
            {member(one, "reference"), member(one, "platform"), checked_digest(member(one, "manifest"))});
    }
    return references;
}

std::string encode_steps(const std::vector<CachedStep>& steps) {
    BinaryWriter out;
    out.text(steps_format);
    out.varint(steps.size());
    for (const CachedStep& step : steps) {
        out.text(step.key.text());
        out.text(step.changes);
    }
    return std::string(as_text(out.bytes()));
}

std::vector<CachedStep> decode_steps(std::string_view bytes) {
    BinaryReader in(as_bytes(bytes), "the cache");
    if (in.text() != steps_format) refuse_cache("its steps have another form");
    std::vector<CachedStep> steps;
    for (uint64_t left = in.varint(in.left()); left > 0; left--) {
        Digest key = checked_digest(in.text());
        steps.push_back({std::move(key), std::string(in.text())});
    }
    if (in.left() > 0) refuse_cache("there is more behind its steps");
    return steps;
}

}  // namespace gbuild::build
