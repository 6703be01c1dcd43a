#include "gbuild/steps/step_key.h"

#include <fmt/format.h>

#include "gbuild/base/binary.h"
#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"

namespace gbuild::build {

void StepKey::add(std::string name, std::string_view value) { add(std::move(name), sha256(as_bytes(value))); }

void StepKey::add(std::string name, const Sha256Sum& value) {
    auto [place, added] = parts_.emplace(std::move(name), value);
    if (!added) throw Error(ErrorKind::internal, fmt::format("a step's key has {} twice", quoted(place->first)));
}

Digest StepKey::digest() const {
    BinaryWriter out;
    out.text("gbuild step 2");
    for (const auto& [name, value] : parts_) {
        out.text(name);
        out.raw(value);
    }
    return Digest::of(out.bytes());
}

}  // namespace gbuild::build
