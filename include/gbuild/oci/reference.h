// Image references: distribution-spec 1.1 grammar with docker's defaults ("debian" is docker.io/library/debian:latest).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gbuild/base/digest.h"

namespace gbuild::oci {

class Reference {
  public:
    // Throws usage (kind ErrorKind::usage) with what is wrong and an example of what is right: upper case in a
    // repository, tag longer than 128, bad digest, empty component, …
    static Reference parse(std::string_view text);

    const std::string& registry() const { return registry_; }      // "docker.io", "localhost:5000", "[::1]:5000"
    const std::string& repository() const { return repository_; }  // "library/debian"
    const std::string& tag() const { return tag_; }                // "" when only a digest was given
    const std::optional<Digest>& digest() const { return digest_; }

    std::string text() const;      // in full: "docker.io/library/debian:latest"
    std::string familiar() const;  // as people write it: "debian:latest"
    // What to ask the registry for: the digest when there is one, else the tag.
    std::string identifier() const;

    bool operator==(const Reference&) const = default;

  private:
    std::string registry_, repository_, tag_;
    std::optional<Digest> digest_;
};

// The name and tag given to -t: as a reference, but without digest; "golem-example" → {"golem-example", "latest"}. A
// registry host is kept as part of the name. Throws usage.
struct ImageName {
    std::string repository;
    std::string tag;
    std::string text() const { return repository + ":" + tag; }
};
ImageName parse_image_name(std::string_view text);

}  // namespace gbuild::oci
