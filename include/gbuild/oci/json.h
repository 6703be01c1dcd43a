// Reading JSON that others wrote: capped while it is parsed, and every value taken out with its type checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "gbuild/base/digest.h"
#include "gbuild/base/error.h"

namespace gbuild::oci {

struct JsonLimits {
    size_t bytes = 16u << 20;
    int depth = 64;
    size_t values = 500'000;  // members and elements, counted over the whole document
};

// A value of a document together with its place in it ("layers[2].digest"), so that what is wrong can be named. Every
// accessor throws integrity when the value is not what is asked for. Refers to the document, which must outlive it.
class JsonValue {
  public:
    // `what` names the document in errors: "manifest".
    JsonValue(const nlohmann::json& root, std::string what) : value_(&root), what_(std::move(what)) {}

    bool has(std::string_view key) const;                            // present, null included; false when no object
    std::optional<JsonValue> get(std::string_view key) const;        // nullopt when absent or null
    JsonValue require(std::string_view key) const;                   // neither absent nor null
    std::vector<JsonValue> elements(size_t cap) const;               // of an array; beyond `cap` a limit error
    std::vector<std::pair<std::string, JsonValue>> members() const;  // of an object, sorted by key

    const std::string& string() const;  // without NULs
    bool boolean() const;
    int64_t integer() const;  // written as an integer and within 64 bits
    uint64_t size() const;    // an integer in [0, 2^63)
    Digest digest() const;
    std::vector<std::string> strings(size_t cap) const;
    std::map<std::string, std::string> string_map() const;  // null values read as ""

    bool is_null() const { return value_->is_null(); }
    bool is_string() const { return value_->is_string(); }
    const nlohmann::json& raw() const { return *value_; }
    const std::string& path() const { return path_; }  // "config.Env[1]"; empty for the whole document

    // Throws an error that begins with the document and the place. `problem` goes on: "must be a string".
    [[noreturn]] void fail(std::string_view problem, ErrorKind kind = ErrorKind::integrity) const;

  private:
    JsonValue(const nlohmann::json& value, std::string what, std::string path) :
        value_(&value), what_(std::move(what)), path_(std::move(path)) {}
    JsonValue child(const nlohmann::json& value, std::string_view step) const;
    [[noreturn]] void wrong_type(std::string_view wanted) const;
    void require_object() const;

    const nlohmann::json* value_;
    std::string what_;
    std::string path_;
};

// Parses a whole document. Throws integrity for anything that is not JSON in UTF-8, limit beyond the caps. Of several
// members with one name the last counts.
nlohmann::json parse_json(std::string_view text, std::string_view what, const JsonLimits& limits = {});

// Without white space; bytes that are not UTF-8 become U+FFFD, as docker writes them.
template <class Json>
std::string dump_json(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace gbuild::oci
