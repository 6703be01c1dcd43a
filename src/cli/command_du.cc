#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/cli/build_settings.h"
#include "gbuild/cli/command.h"
#include "gbuild/cli/file_list.h"
#include "gbuild/cli/history_text.h"
#include "gbuild/cli/image_argument.h"
#include "gbuild/cli/signals.h"

namespace gbuild::cli {

namespace {

class DuCommand final : public Command {
  public:
    void declare(OptionSet& options) override {
        options.argument("IMAGE", image_, Presence::required, "a .gvmi file, or a tag of gbuild images");
        options.argument("PATH", path_, Presence::optional, "file or directory in the image (default: /)");
        options.group("Options");
        options.choice("--format", {"text", "json"}, format_, "what is printed");
        declare_root(options, root_);
        options.epilogue(
            "Columns: bytes of contents, what they take in the image, files, path. What several files share\n"
            "counts once. Then the contents that are there more than once (in files of 4 KiB and more), and\n"
            "what a step wrote that a later one replaced or removed.\n"
            "\n"
            "Examples:\n"
            "  gbuild du golem-example\n"
            "  gbuild du golem-example /usr/lib\n"
            "  gbuild du --format json golem-example | jq '.duplicates[].paths'\n");
    }

    int run(Console& console) override {
        const ImageArgument image = find_image_argument(image_, store_root(root_));
        const auto record = known_record_of(image, store_root(root_));
        const pack::ImageReader reader(image.file);
        const tree::Tree tree = reader.read_tree();
        const std::string path = find_node(tree, path_, tree::FollowLast::yes, image.file).path;
        SignalWatcher signals;
        const ImageUsage usage =
            measure(reader, tree, record ? &record->provenance : nullptr, Duplicates::find, signals.stop());
        const Usage* found = find_usage(usage.root, path);
        if (!found) throw Error(ErrorKind::internal, fmt::format("{} was not measured", quoted(path)));
        const UsageView view{usage, *found, path, record ? &*record : nullptr};
        console.out.write(format_ == "json" ? json_document(usage_json(view)) : usage_text(view));
        return 0;
    }

  private:
    std::string image_, path_, root_, format_ = "text";
};

}  // namespace

std::unique_ptr<Command> make_du_command() { return std::make_unique<DuCommand>(); }

}  // namespace gbuild::cli
