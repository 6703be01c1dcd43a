#include "gbuild/oci/reference.h"

#include <tuple>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

namespace gbuild::oci {

namespace {

constexpr std::string_view default_registry = "docker.io";
constexpr std::string_view official = "library/";
constexpr size_t max_repository = 255;
constexpr size_t max_tag = 128;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z'); }
bool is_alnum(char c) { return is_lower_alnum(c) || is_upper(c); }
bool is_word(char c) { return is_alnum(c) || c == '_'; }

template <class Predicate>
bool all_of(std::string_view text, Predicate predicate) {
    for (char c : text) {
        if (!predicate(c)) return false;
    }
    return true;
}

constexpr std::string_view examples = "write [REGISTRY[:PORT]/]NAME[:TAG][@DIGEST], for example debian:12 or "
                                      "ghcr.io/owner/image:1.0";

class Failure {
  public:
    explicit Failure(std::string_view text) : text_(text) {}
    [[noreturn]] void operator()(std::string_view problem, std::string hint = std::string(examples)) const {
        throw Error(ErrorKind::usage, fmt::format("image reference {}: {}", quoted(text_), problem))
            .hint(std::move(hint));
    }
    // Without what nobody wrote.
    std::string_view as_written(std::string_view repository) const {
        const bool is_added = repository.starts_with(official) && text_.find(official) == std::string_view::npos;
        return is_added ? repository.substr(official.size()) : repository;
    }

  private:
    std::string_view text_;
};

// "docker.io" and the rest when `name` has no registry of its own. The rule is docker's: the first component is a
// registry when it holds a dot, a colon or an upper-case letter, or is "localhost".
std::pair<std::string, std::string> split_registry(std::string_view name) {
    size_t slash = name.find('/');
    std::string_view first = name.substr(0, slash);
    bool own = slash != std::string_view::npos && (first.find_first_of(".:") != std::string_view::npos ||
                                                   first == "localhost" || to_lower(first) != first);
    std::string registry(own ? first : default_registry);
    std::string repository(own ? name.substr(slash + 1) : name);
    if (registry == "index.docker.io") registry = default_registry;
    if (registry == default_registry && repository.find('/') == std::string::npos) repository.insert(0, official);
    return {registry, repository};
}

bool is_host_component(std::string_view text) {
    return !text.empty() && text.front() != '-' && text.back() != '-' &&
           all_of(text, [](char c) { return is_alnum(c) || c == '-'; });
}

bool is_host(std::string_view host) {
    if (host.starts_with('[')) {
        return host.size() > 2 && host.ends_with(']') && all_of(host.substr(1, host.size() - 2), [](char c) {
                   return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':';
               });
    }
    for (const auto& component : split(host, '.')) {
        if (!is_host_component(component)) return false;
    }
    return true;
}

void check_registry(std::string_view registry, const Failure& fail) {
    size_t bracket = registry.starts_with('[') ? registry.find(']') : 0;
    size_t colon = bracket == std::string_view::npos ? bracket : registry.find(':', bracket);
    std::string_view host = registry.substr(0, colon);
    if (!is_host(host)) fail(fmt::format("{} is no registry host", quoted(host)));
    if (colon == std::string_view::npos) return;
    auto port = parse_decimal(registry.substr(colon + 1));
    if (!port || *port > 65535) fail(fmt::format("bad port {}", quoted(registry.substr(colon + 1))));
}

// The distribution grammar: runs of lower-case letters and digits, joined by ".", "_", "__" or any number of "-".
bool is_path_component(std::string_view text) {
    size_t at = 0;
    for (;;) {
        size_t run = at;
        while (at < text.size() && is_lower_alnum(text[at])) at++;
        if (at == run) return false;
        if (at == text.size()) return true;
        size_t separator = at;
        while (at < text.size() && text[at] == text[separator] && !is_lower_alnum(text[at])) at++;
        size_t length = at - separator;
        bool good = text[separator] == '-' || (text[separator] == '_' && length <= 2) ||
                    (text[separator] == '.' && length == 1);
        if (!good) return false;
    }
}

void check_repository(std::string_view repository, const Failure& fail) {
    if (repository.size() > max_repository) {
        fail(fmt::format("the repository has {} characters, more than {}", repository.size(), max_repository));
    }
    for (const auto& component : split(repository, '/')) {
        if (component.empty()) fail("the repository has an empty component");
        if (!all_of(component, [](char c) { return !is_upper(c); })) {
            const std::string_view written = fail.as_written(repository);
            fail(fmt::format("the repository {} has upper-case letters", quoted(written)),
                 fmt::format("repositories are lower case: {}", to_lower(written)));
        }
        if (!is_path_component(component)) {
            fail(fmt::format("{} is no repository component", quoted(component)),
                 "components are lower-case letters and digits, joined by \".\", \"_\", \"__\" or \"-\"");
        }
    }
}

void check_tag(std::string_view tag, const Failure& fail) {
    if (tag.empty()) fail("the tag after \":\" is empty");
    if (tag.size() > max_tag) fail(fmt::format("the tag has {} characters, more than {}", tag.size(), max_tag));
    bool good = is_word(tag[0]) && all_of(tag, [](char c) { return is_word(c) || c == '.' || c == '-'; });
    if (!good) {
        fail(fmt::format("{} is no tag", quoted(tag)),
             "a tag is letters, digits, \"_\", \".\" and \"-\", and begins with none of the last two");
    }
}

void check_shape(std::string_view text, const Failure& fail) {
    if (text.empty()) fail("is empty");
    size_t scheme = text.find("://");
    if (scheme != std::string_view::npos) {
        fail("a reference has no scheme",
             fmt::format("leave out {}", quoted(text.substr(0, scheme + std::string_view("://").size()))));
    }
    if (text.size() == 64 && all_of(text, [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); })) {
        fail("64 hexadecimal digits are an image id, not a name", "to ask for a digest write NAME@sha256:<64 digits>");
    }
}

struct Parts {
    std::string_view name;
    std::optional<std::string_view> tag;
    std::optional<std::string_view> digest;
};

Parts split_reference(std::string_view text) {
    Parts parts;
    size_t at = text.find('@');
    if (at != std::string_view::npos) parts.digest = text.substr(at + 1);
    parts.name = text.substr(0, at);
    size_t slash = parts.name.rfind('/');
    size_t colon = parts.name.find(':', slash == std::string_view::npos ? 0 : slash);
    if (colon != std::string_view::npos) {
        parts.tag = parts.name.substr(colon + 1);
        parts.name = parts.name.substr(0, colon);
    }
    return parts;
}

}  // namespace

Reference Reference::parse(std::string_view text) {
    Failure fail(text);
    check_shape(text, fail);
    Parts parts = split_reference(text);
    if (parts.name.empty()) fail("has no name");
    Reference reference;
    std::tie(reference.registry_, reference.repository_) = split_registry(parts.name);
    check_registry(reference.registry_, fail);
    check_repository(reference.repository_, fail);
    if (parts.tag) {
        check_tag(*parts.tag, fail);
        reference.tag_ = *parts.tag;
    }
    if (parts.digest) {
        reference.digest_ = Digest::parse(*parts.digest);
        if (!reference.digest_) {
            fail(fmt::format("{} is no digest", quoted(*parts.digest)),
                 "a digest is sha256: and 64 lower-case hexadecimal digits, or sha512: and 128");
        }
    }
    if (!parts.tag && !parts.digest) reference.tag_ = "latest";
    return reference;
}

std::string Reference::text() const {
    std::string result = registry_ + '/' + repository_;
    if (!tag_.empty()) result += ':' + tag_;
    if (digest_) result += '@' + digest_->text();
    return result;
}

std::string Reference::familiar() const {
    std::string name = registry_ + '/' + repository_;
    std::string_view shorter = repository_;
    if (registry_ == default_registry) {
        bool is_official = shorter.starts_with(official) && shorter.find('/', official.size()) == std::string::npos;
        if (is_official) shorter.remove_prefix(official.size());
        // "docker.io/localhost/x" must not turn into a name on another registry.
        if (split_registry(shorter) == std::pair(registry_, repository_)) name = shorter;
    }
    return name + text().substr(registry_.size() + 1 + repository_.size());
}

std::string Reference::identifier() const { return digest_ ? digest_->text() : tag_; }

ImageName parse_image_name(std::string_view text) {
    Reference reference = Reference::parse(text);
    if (reference.digest()) {
        throw Error(ErrorKind::usage, fmt::format("image name {}: a name to build cannot have a digest", quoted(text)))
            .hint("write NAME[:TAG]");
    }
    return {std::string(split_reference(text).name), reference.tag()};
}

}  // namespace gbuild::oci
