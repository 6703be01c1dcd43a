#include <filesystem>

#include "gbuild/base/error.h"
#include "gbuild/bases/fsck.h"
#include "gbuild/cli/build_settings.h"
#include "gbuild/cli/command.h"
#include "gbuild/cli/exit_codes.h"
#include "gbuild/cli/signals.h"
#include "gbuild/cli/store_items.h"

namespace gbuild::cli {

namespace {

class FsckCommand final : public Command {
  public:
    void declare(OptionSet& options) override {
        options.group("Options");
        options.flag("--repair", repair_, "remove what is damaged, unless a build is using it");
        options.choice("--format", {"text", "json"}, format_, "what is printed");
        declare_root(options, root_);
        options.epilogue("Reads all of the store: blobs and records by their checksums, packed layers by the digests "
                         "of the files in\n"
                         "them, extracted images by their layers. Builds may run meanwhile. What is removed is made or "
                         "pulled again\n"
                         "when a build needs it. Exit code 7 when something is damaged and was not removed.\n"
                         "\n"
                         "Examples:\n"
                         "  gbuild fsck\n"
                         "  gbuild fsck --repair\n");
    }

    int run(Console& console) override {
        const std::filesystem::path root = store_root(root_);
        if (!std::filesystem::exists(root)) {
            return report(console, {});
        }
        SignalWatcher signals;
        return report(console, build::fsck(store::Store(root, store::Store::Owner::any), repair_, signals.stop()));
    }

  private:
    int report(Console& console, const build::FsckResult& result) const {
        console.out.write(format_ == "json" ? json_document(fsck_json(result)) : fsck_text(result));
        return result.is_sound() ? 0 : exit_code(ErrorKind::integrity);
    }

    std::string root_, format_ = "text";
    bool repair_ = false;
};

}  // namespace

std::unique_ptr<Command> make_fsck_command() { return std::make_unique<FsckCommand>(); }

}  // namespace gbuild::cli
