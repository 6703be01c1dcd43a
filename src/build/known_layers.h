// The layers that a build's trees take contents from, by what they are called in the store and by their packs' numbers.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "gbuild/base/digest.h"
#include "gbuild/base/synchronized.h"
#include "gbuild/pack/pack.h"
#include "gbuild/store/store.h"

namespace gbuild::build {

// Thread-safe. The store and the set must outlive it.
class KnownLayers {
  public:
    // `pull` gets the layers of the build's images, and gives null for others. From any thread.
    using Pull = std::function<std::shared_ptr<const pack::Pack>(const Digest& layer)>;
    KnownLayers(const store::Store& store, pack::PackSet& packs, Pull pull) :
        store_(store), packs_(packs), pull_(std::move(pull)) {}

    // The pack's number; that of an earlier one of the layer when there is one.
    uint32_t add(const Digest& layer, const std::shared_ptr<const pack::Pack>& pack);
    // Whether the layer is known, or its pack in the store; which is kept open from then on, whoever removes it.
    bool hold(const Digest& layer);
    // Of a layer that is known, held or an image's; throws integrity, having removed the pack, when that turns out to
    // be damaged, and what pulling throws.
    uint32_t number_of(const Digest& layer);
    const pack::Pack& pack(uint32_t number) const { return packs_.at(number); }
    // The reverse.
    Digest layer_of(uint32_t number) const;

    // Removes from the store the packs that turned out to be damaged, so that they are made anew; whether there were
    // any.
    bool drop_damaged() const;

  private:
    struct State {
        std::map<Digest, uint32_t> numbers;
        std::map<uint32_t, Digest> layers;
        std::map<Digest, UniqueFd> held;
        bool found_damage = false;
    };
    uint32_t add(State& state, const Digest& layer, const std::shared_ptr<const pack::Pack>& pack);
    std::optional<uint32_t> number_at_hand(const Digest& layer);
    bool is_whole(const UniqueFd& file) const;

    const store::Store& store_;
    pack::PackSet& packs_;
    Pull pull_;
    mutable Synchronized<State> state_;
};

}  // namespace gbuild::build
