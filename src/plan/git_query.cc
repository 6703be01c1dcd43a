#include "git_query.h"

#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/percent.h"
#include "gbuild/base/text.h"

namespace gbuild::plan {

namespace {

constexpr size_t id_size = 40;
constexpr size_t sha256_id_size = 64;

const std::vector<std::string>& known_keys() {
    static const std::vector<std::string> keys = {"ref",    "branch",       "tag",        "commit", "checksum",
                                                  "subdir", "keep-git-dir", "submodules", "mtime",  "fetch-by-commit"};
    return keys;
}

bool may_be_empty(std::string_view key) {
    return key == "keep-git-dir" || key == "submodules" || key == "fetch-by-commit";
}

Error bad_value(std::string_view key, std::string_view value, std::string hint) {
    Error error(ErrorKind::usage,
                fmt::format("the git URL's query has the value {} for {}, which is not valid", quoted(value), key));
    error.hint(std::move(hint));
    return error;
}

Error contradiction(std::string_view one, std::string_view other) {
    Error error(ErrorKind::usage, fmt::format("the git URL contradicts itself: {} and {}", one, other));
    error.hint("keep one of the two");
    return error;
}

std::string pair_of(std::string_view key, std::string_view value) {
    return value.empty() ? std::string(key) : fmt::format("{}={}", key, printable(value));
}

// What the values of a query say, by key.
using Values = std::map<std::string, std::string, std::less<>>;

Values split_query(std::string_view query) {
    Values values;
    for (const std::string& piece : split(query, '&')) {
        if (piece.empty()) continue;
        const size_t equals = piece.find('=');
        const std::string key = percent_decoded(std::string_view(piece).substr(0, equals), Blank::plus);
        const auto& keys = known_keys();
        if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
            Error error(ErrorKind::usage, fmt::format("the git URL's query has the unknown key {}", quoted(key)));
            if (auto like = nearest(key, keys)) throw error.hint(fmt::format("did you mean {}?", *like));
            throw error.hint(fmt::format("the keys are {}", join(keys, ", ")));
        }
        std::string value;
        if (equals != std::string::npos)
            value = percent_decoded(std::string_view(piece).substr(equals + 1), Blank::plus);
        if (value.find('\0') != std::string::npos) throw bad_value(key, value, "remove the NUL byte");
        if (value.empty() && !may_be_empty(key)) {
            throw Error(ErrorKind::usage, fmt::format("the git URL's query has no value for {}", key))
                .hint(fmt::format("write {}=VALUE, or leave the key out", key));
        }
        if (!values.emplace(key, value).second) {
            throw Error(ErrorKind::usage, fmt::format("the git URL's query has the key {} more than once", key))
                .hint("keep one of them");
        }
    }
    return values;
}

class Query {
  public:
    Query(GitSource& source, Values values) : source_(source), values_(std::move(values)) {}

    void enter() {
        enter_ref();
        if (const auto* subdir = find("subdir")) {
            if (!source_.subdirectory.empty() && source_.subdirectory != *subdir) {
                throw contradiction("the directory " + printable(source_.subdirectory) + " behind #",
                                    pair_of("subdir", *subdir));
            }
            source_.subdirectory = *subdir;
        }
        source_.keep_git_dir = boolean("keep-git-dir");
        source_.with_submodules = boolean("submodules").value_or(true);
        enter_mtime();
        enter_commit();
    }

  private:
    const std::string* find(std::string_view key) const {
        const auto found = values_.find(key);
        return found == values_.end() ? nullptr : &found->second;
    }

    // As Go reads them; a key alone is true.
    std::optional<bool> boolean(std::string_view key) const {
        const std::string* value = find(key);
        if (!value) return std::nullopt;
        for (const char* yes : {"", "1", "t", "T", "true", "True", "TRUE"}) {
            if (*value == yes) return true;
        }
        for (const char* no : {"0", "f", "F", "false", "False", "FALSE"}) {
            if (*value == no) return false;
        }
        throw bad_value(key, *value, fmt::format("write {}=true or {}=false", key, key));
    }

    // ref, branch and tag, of which there may be one; it must be what stands behind "#", if anything does.
    void enter_ref() {
        std::string given = source_.ref.empty() ? "" : fmt::format("#{}", printable(source_.ref));
        for (const auto& [key, prefix] : {std::pair("ref", ""), {"tag", "refs/tags/"}, {"branch", "refs/heads/"}}) {
            const std::string* value = find(key);
            if (!value) continue;
            const std::string ref = value->starts_with(prefix) ? *value : prefix + *value;
            const std::string written = pair_of(key, *value);
            if (!given.empty() && source_.ref != ref) throw contradiction(given, written);
            source_.ref = ref;
            given = written;
        }
    }

    void enter_mtime() {
        const std::string* value = find("mtime");
        if (!value) return;
        if (*value != "commit" && *value != "checkout") {
            throw bad_value("mtime", *value, "write mtime=commit or mtime=checkout");
        }
        source_.has_commit_time = *value == "commit";
    }

    void enter_commit() {
        for (const char* key : {"commit", "checksum"}) {
            const std::string* value = find(key);
            if (!value) continue;
            const std::string id = to_lower(*value);
            if (!is_commit_prefix(id)) {
                throw bad_value(key, *value, "give the commit's id: 40 hex digits, or its first ones");
            }
            if (!source_.commit.empty() && !id.starts_with(source_.commit) && !source_.commit.starts_with(id)) {
                throw contradiction(pair_of("commit", source_.commit), pair_of(key, *value));
            }
            if (id.size() > source_.commit.size()) source_.commit = id;
        }
        const bool is_fetched_by_commit = boolean("fetch-by-commit").value_or(false);
        if (is_fetched_by_commit && source_.commit.size() < id_size) {
            throw Error(ErrorKind::usage, "the git URL's query has fetch-by-commit without a whole commit id")
                .hint("add commit= with all 40 digits of the commit's id");
        }
        if (source_.ref.size() == id_size && is_commit_prefix(source_.ref) &&
            !source_.ref.starts_with(source_.commit)) {
            throw contradiction(pair_of("ref", source_.ref), pair_of("commit", source_.commit));
        }
        if (is_fetched_by_commit || source_.ref.empty()) source_.ref = source_.commit;
    }

    GitSource& source_;
    Values values_;
};

}  // namespace

bool is_commit_prefix(std::string_view text) {
    return !text.empty() && text.size() <= sha256_id_size &&
           text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

void read_fragment(GitSource& source, std::string_view fragment, Fragment form) {
    const std::string text =
        form == Fragment::literal ? std::string(fragment) : percent_decoded(fragment, Blank::literal_plus);
    if (text.find('\0') != std::string::npos) {
        throw Error(ErrorKind::usage, "what stands behind # in the git URL has a NUL byte").hint("remove it");
    }
    const size_t colon = text.find(':');
    source.ref = text.substr(0, colon);
    source.subdirectory = colon == std::string::npos ? "" : text.substr(colon + 1);
}

void read_query(GitSource& source, std::string_view query) { Query(source, split_query(query)).enter(); }

}  // namespace gbuild::plan
