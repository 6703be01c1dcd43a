#include "gbuild/cli/cache_settings.h"

#include <algorithm>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "gbuild/base/csv.h"
#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/dockerfile/suggest.h"

namespace gbuild::cli {

namespace {

using Words = std::vector<std::string>;

// Types of docker's that gbuild has not, and why.
struct ForeignType {
    const char* name;
    const char* reason;
};
constexpr ForeignType foreign_types[] = {
    {"inline", "a .gvmi image has no place for a cache; use type=registry with a ref of its own"},
    {"gha", "it needs GitHub's own cache service; use type=registry, or type=local with the actions/cache step"},
    {"s3", "gbuild speaks to registries only; use type=registry, or type=local and copy the directory"},
    {"azblob", "gbuild speaks to registries only; use type=registry, or type=local and copy the directory"},
};

// Keys of docker's that change nothing here, since a cache is always an OCI artifact of compressed packs: taken with
// the value that is true anyway.
struct FixedKey {
    const char* name;
    const char* value;
};
constexpr FixedKey fixed_keys[] = {{"oci-mediatypes", "true"}, {"image-manifest", "true"}};

// One option's text, taken apart.
class CacheText {
  public:
    CacheText(const char* option, const std::string& text, const char* path_key) :
        option_(option), text_(text), path_key_(path_key) {
        auto fields = split_csv(text);
        if (!fields) refuse("a quote is not closed", "end the field with another \"");
        if (fields->size() == 1 && fields->front().find('=') == std::string::npos) {
            values_ = {{"type", "registry"}, {"ref", fields->front()}};
            return;
        }
        for (const auto& field : *fields) add(field);
    }

    std::optional<std::string> take(const std::string& key) {
        auto found = values_.find(key);
        if (found == values_.end()) return std::nullopt;
        std::string value = std::move(found->second);
        values_.erase(found);
        return value;
    }
    std::string require(const std::string& key, const std::string& example) {
        auto value = take(key);
        if (value && !value->empty()) return *value;
        refuse(fmt::format("{}= is missing", key), "write " + example);
    }
    bool take_bool(const std::string& key) {
        auto value = take(key);
        if (!value || *value == "false" || *value == "0") return false;
        if (*value == "true" || *value == "1") return true;
        refuse(fmt::format("{} is true or false, not {}", key, quoted(*value)), fmt::format("write {}=true", key));
    }

    std::variant<build::RegistryCache, build::LocalCache> take_place() {
        std::string type = take("type").value_or("");
        if (type == "registry") return take_registry();
        if (type == "local") return take_local();
        std::string example = fmt::format("type=registry,ref=HOST/NAME:TAG or type=local,{}=DIR", path_key_);
        if (type.empty()) refuse("type= is missing", "write " + example);
        for (const auto& foreign : foreign_types) {
            if (type == foreign.name) refuse(fmt::format("type={} is not supported", type), foreign.reason);
        }
        refuse(fmt::format("unknown type {}", quoted(type)), "write " + example);
    }

    // Once everything known was taken. `known` are the keys that the option has for this type.
    void check_rest(const Words& known) {
        for (const auto& fixed : fixed_keys) {
            auto value = take(fixed.name);
            if (!value || *value == fixed.value) continue;
            refuse(fmt::format("{}={} is not supported", fixed.name, *value),
                   "a cache of gbuild's is always an OCI artifact; leave it out");
        }
        if (values_.empty()) return;
        const std::string& key = values_.begin()->first;
        if (key.find("compression") != std::string::npos) {
            refuse(fmt::format("{} is not supported", key), "packs are compressed as the image is; leave it out");
        }
        refuse(fmt::format("unknown key {}", quoted(key)),
               dockerfile::suggest(key, known, "", fmt::format("the keys are {}", join(known, ", "))));
    }

    [[noreturn]] void refuse(const std::string& problem, std::string hint) const {
        throw Error(ErrorKind::usage, fmt::format("{} {}: {}", option_, quoted(text_), problem)).hint(std::move(hint));
    }

  private:
    void add(const std::string& field) {
        size_t equals = field.find('=');
        std::string key = to_lower(trim(std::string_view(field).substr(0, equals)));
        if (equals == std::string::npos || key.empty()) {
            refuse(fmt::format("{} is no KEY=VALUE", quoted(field)), "separate them by commas");
        }
        if (!values_.emplace(key, field.substr(equals + 1)).second) {
            refuse(fmt::format("{}= is given twice", key), "leave one out");
        }
    }

    build::RegistryCache take_registry() {
        std::string reference = require("ref", "ref=HOST/NAME:TAG");
        return with_context([&] { return fmt::format("reading {} {}", option_, quoted(text_)); },
                            [&] { return build::RegistryCache{oci::Reference::parse(reference)}; });
    }

    build::LocalCache take_local() {
        build::LocalCache place;
        place.directory = require(path_key_, fmt::format("{}=DIR", path_key_));
        if (auto tag = take("tag"); tag && !tag->empty()) place.tag = *tag;
        return place;
    }

    std::string option_;
    std::string text_;
    std::string path_key_;
    std::map<std::string, std::string> values_;
};

build::CacheMode parse_mode(const CacheText& text, const std::string& word) {
    if (word == "min") return build::CacheMode::min;
    if (word == "max") return build::CacheMode::max;
    text.refuse(fmt::format("mode is min or max, not {}", quoted(word)), "write mode=max to share all steps");
}

}  // namespace

build::CacheSource parse_cache_source(const std::string& option) {
    CacheText text("--cache-from", option, "src");
    build::CacheSource source{text.take_place()};
    auto* local = std::get_if<build::LocalCache>(&source.place);
    if (local) {
        if (auto digest = text.take("digest")) {
            local->digest = Digest::parse(*digest);
            if (!local->digest) text.refuse(fmt::format("{} is no digest", quoted(*digest)), "write digest=sha256:…");
        }
    }
    text.check_rest(local ? Words{"type", "src", "tag", "digest"} : Words{"type", "ref"});
    return source;
}

build::CacheTarget parse_cache_target(const std::string& option) {
    CacheText text("--cache-to", option, "dest");
    build::CacheTarget target{text.take_place()};
    if (auto mode = text.take("mode")) target.mode = parse_mode(text, *mode);
    target.ignore_error = text.take_bool("ignore-error");
    bool local = std::holds_alternative<build::LocalCache>(target.place);
    text.check_rest(local ? Words{"type", "dest", "tag", "mode", "ignore-error"}
                          : Words{"type", "ref", "mode", "ignore-error"});
    auto* registry = std::get_if<build::RegistryCache>(&target.place);
    if (registry && registry->reference.digest()) {
        text.refuse("a cache is written under a tag, not a digest", "write ref=HOST/NAME:TAG");
    }
    return target;
}

}  // namespace gbuild::cli
