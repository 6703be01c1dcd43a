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
        options.argument("IMAGE", image_, Presence::required, image_argument_help);
        options.arguments("PATH", paths_, "files in the image; symbolic links are followed");
        options.group("Options");
        declare_root(options, root_);
        options.epilogue("Examples:\n"
                         "  gbuild cat golem-example-latest.gvmi /etc/debian_version\n");
    }

    int run(Console& console) override {
        ImageArgument image = find_image_argument(image_, store_root(root_));
        pack::ImageReader reader(image.file);
        tree::Tree tree = reader.read_tree();
        // All are looked at before the first is written.
        std::vector<const tree::Inode*> files;
        for (const std::string& path : paths_) files.push_back(&regular_file(tree, path, image.file));
        for (const tree::Inode* file : files) {
            reader.read_file(*file, [&](const ContentRun& run) {
                console.out.write(as_text(run.bytes));
                if (run.zeros > 0) console.out.write_zeros(run.zeros);
            });
        }
        return 0;
    }

  private:
    static const tree::Inode& regular_file(const tree::Tree& tree, const std::string& path, const std::string& image) {
        const tree::Inode& inode = *find_node(tree, path, tree::FollowLast::yes, image).node.inode;
        if (inode.type == tree::FileType::regular) return inode;
        throw Error(ErrorKind::usage,
                    fmt::format("{} is {}", quoted(path), inode.is_directory() ? "a directory" : "not a regular file"))
            .hint("gbuild ls shows directories");
    }

    std::string image_, root_;
    std::vector<std::string> paths_;
};

}  // namespace

std::unique_ptr<Command> make_cat_command() { return std::make_unique<CatCommand>(); }

}  // namespace gbuild::cli
