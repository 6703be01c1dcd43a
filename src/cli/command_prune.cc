#include <unistd.h>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/cli/build_settings.h"
#include "gbuild/cli/command.h"
#include "gbuild/sandbox/sandbox.h"
#include "gbuild/store/store.h"

namespace gbuild::cli {

namespace {

std::string counted(uint64_t count) { return fmt::format("{} extracted image{}", count, count == 1 ? "" : "s"); }

class PruneCommand final : public Command {
  public:
    void declare(OptionSet& options) override {
        options.group("Options");
        options.flag("-n,--dry-run", pretend_, "only tell what would be removed");
        declare_root(options, root_);
        options.epilogue(
            "Removed are the images that builds with RUN extracted, as far as no build uses them, and what\n"
            "builds that were killed left behind. The next build with RUN extracts its base again.\n"
            "After builds with --isolation subid this is the way to remove what is owned by other ids.\n"
            "\n"
            "Examples:\n"
            "  gbuild prune\n"
            "  gbuild prune --dry-run\n"
            "  gbuild prune && rm -r ~/.cache/gbuild     all of the store\n");
    }

    int run(Console& console) override {
        const std::filesystem::path root = store_root(root_);
        const auto sandbox = own_ids(store::Store(root));
        // Opening the store again sweeps away what killed builds left under other ids.
        const store::Store store(root);
        const auto removed = store.remove_snapshots(pretend_ ? store::Removal::pretend : store::Removal::really);
        std::string text = fmt::format("{}{}: {}\n", pretend_ ? "would remove " : "removed ", counted(removed.count),
                                       human_size(removed.bytes));
        if (removed.in_use > 0) text += fmt::format("kept {}, which a build is using\n", counted(removed.in_use));
        console.out.write(text);
        return 0;
    }

  private:
    // Where the caller has ranges of ids, their files can be removed by who is root of a user namespace with them.
    static std::unique_ptr<sandbox::Sandbox> own_ids(const store::Store& store) {
        if (::geteuid() == 0) return nullptr;
        const sandbox::Probe probe = sandbox::probe(sandbox::Isolation::subid, store.staging());
        return probe.works ? std::make_unique<sandbox::Sandbox>(probe) : nullptr;
    }

    std::string root_;
    bool pretend_ = false;
};

}  // namespace

std::unique_ptr<Command> make_prune_command() { return std::make_unique<PruneCommand>(); }

}  // namespace gbuild::cli
