#include "config.h"

#include <set>

#include <nlohmann/json.hpp>

#include "gbuild/oci/json.h"

namespace gbuild::compare {

namespace {

using Json = nlohmann::json;
using Key = std::vector<std::string>;

// Env by names; null when it is no list of distinct "NAME=VALUE".
Json by_name(const Json& env) {
    Json result = Json::object();
    if (!env.is_array()) return nullptr;
    for (const Json& entry : env) {
        if (!entry.is_string()) return nullptr;
        const auto& text = entry.get_ref<const std::string&>();
        const size_t equals = text.find('=');
        if (equals == std::string::npos || result.contains(text.substr(0, equals))) return nullptr;
        result[text.substr(0, equals)] = text.substr(equals + 1);
    }
    return result;
}

std::optional<std::string> text_of(const Json* value) {
    return value ? std::optional(oci::dump_json(*value)) : std::nullopt;
}

class ConfigComparison {
  public:
    // Null pointers: not there.
    void compare(const Json* a, const Json* b) {
        if (a && b && *a == *b) return;
        if (a && b && a->is_object() && b->is_object()) return compare_members(*a, *b);
        if (a && b && key_ == Key{"Env"}) {
            const Json names_a = by_name(*a), names_b = by_name(*b);
            // Equal ones differ in their order.
            if (names_a.is_object() && names_b.is_object() && names_a != names_b)
                return compare_members(names_a, names_b);
        }
        changes_.push_back({key_, text_of(a), text_of(b)});
    }

    std::vector<ConfigChange> take() && { return std::move(changes_); }

  private:
    void compare_members(const Json& a, const Json& b) {
        std::set<std::string> names;
        for (const Json* object : {&a, &b}) {
            for (const auto& [name, value] : object->items()) names.insert(name);
        }
        for (const std::string& name : names) {
            key_.push_back(name);
            compare(member(a, name), member(b, name));
            key_.pop_back();
        }
    }

    static const Json* member(const Json& object, const std::string& name) {
        const auto found = object.find(name);
        return found == object.end() ? nullptr : &*found;
    }

    Key key_;
    std::vector<ConfigChange> changes_;
};

}  // namespace

std::vector<ConfigChange> compare_configs(const std::string& a, const std::string& b) {
    const Json json_a = oci::parse_json(a, "trailer"), json_b = oci::parse_json(b, "trailer");
    ConfigComparison comparison;
    comparison.compare(&json_a, &json_b);
    return std::move(comparison).take();
}

}  // namespace gbuild::compare
