// Finding out which step each file of an image comes from.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "gbuild/engine/provenance.h"
#include "gbuild/tree/tree.h"

namespace gbuild::build {

// Takes what a build's target is made of, first step first, and then the tree that came of it.
class ProvenanceFinder {
  public:
    // `base` is the number of the FROM at the bottom.
    explicit ProvenanceFinder(int base) : base_(base) { steps_.push_back({base, 0, 0, 0, 0}); }

    // One layer that a step has put over what was there.
    void add(int step, const tree::LayerVisit& layer);
    // The base's layers, after all of the steps'. Only what the steps have replaced or removed of them is looked at.
    void add_base(const tree::LayerVisit& layer);
    // The image's tree.
    Provenance finish(const tree::Tree& tree) &&;

  private:
    struct Written {
        int step = 0;
        uint64_t size = 0;
    };
    StepFiles& of(int step);
    void hide(int step, const tree::LayerEntry& entry);
    void write(int step, const tree::LayerEntry& entry);
    void lose(const std::string& path, const Written& written, int to);
    int lost_in_base(const std::string& path) const;

    int base_;
    std::vector<StepFiles> steps_;
    std::map<std::string, Written> written_;               // by steps, as far as it is still there
    std::unordered_map<std::string, int> replaced_;        // paths that steps have written first: by which step
    std::unordered_map<std::string, int> gone_, emptied_;  // and what they removed, and directories that they emptied
    std::map<std::string, uint64_t> lost_base_;            // sizes of the base's own files that are gone
    std::vector<LostFile> lost_;
};

}  // namespace gbuild::build
