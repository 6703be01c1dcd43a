#include <fmt/format.h>

#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/build_settings.h"
#include "gbuild/cli/command.h"
#include "gbuild/cli/file_list.h"
#include "gbuild/cli/image_argument.h"
#include "gbuild/pack/image_reader.h"

namespace gbuild::cli {

namespace {

class CatCommand final : public Command {
  public:
    void declare(OptionSet& options) override {
        options.argument("IMAGE", image_, Presence::required, "a .gvmi file, or a tag of gbuild images");
        options.argument("PATH", path_, Presence::required, "file in the image; symbolic links are followed");
        options.group("Options");
        declare_root(options, root_);
        options.epilogue("Examples:\n"
                         "  gbuild cat golem-example-latest.gvmi /etc/debian_version\n");
    }

    int run(Console& console) override {
        ImageArgument image = find_image_argument(image_, store_root(root_));
        pack::ImageReader reader(image.file);
        tree::Tree tree = reader.read_tree();
        FoundNode found = find_node(tree, path_, tree::FollowLast::yes, image.file);
        const tree::Inode& inode = *found.node.inode;
        if (inode.type != tree::FileType::regular) {
            throw Error(ErrorKind::usage, fmt::format("{} is {}", quoted(path_),
                                                      inode.is_directory() ? "a directory" : "not a regular file"))
                .hint("gbuild ls shows directories");
        }
        reader.read_file(inode, [&](const ContentRun& run) {
            console.out.write(as_text(run.bytes));
            if (run.zeros > 0) console.out.write_zeros(run.zeros);
        });
        return 0;
    }

  private:
    std::string image_, path_, root_;
};

}  // namespace

std::unique_ptr<Command> make_cat_command() { return std::make_unique<CatCommand>(); }

}  // namespace gbuild::cli
