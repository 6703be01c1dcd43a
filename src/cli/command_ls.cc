#include "gbuild/cli/build_settings.h"
#include "gbuild/cli/command.h"
#include "gbuild/cli/file_list.h"
#include "gbuild/cli/image_argument.h"
#include "gbuild/pack/image_reader.h"

namespace gbuild::cli {

namespace {

class LsCommand final : public Command {
  public:
    void declare(OptionSet& options) override {
        options.argument("IMAGE", image_, Presence::required, "a .gvmi file, or a tag of gbuild images");
        options.argument("PATH", path_, Presence::optional, "file or directory in the image (default: /)");
        options.group("Options");
        options.flag("-R,--recursive", recursive_, "list everything below");
        options.flag("-d,--directory", directory_, "list a directory itself, not what is in it");
        options.choice("--format", {"text", "json"}, format_, "what is printed");
        declare_root(options, root_);
        options.epilogue("Columns: mode, owner (uid/gid), size or device number, time (UTC), path.\n"
                         "\n"
                         "Examples:\n"
                         "  gbuild ls golem-example-latest.gvmi /golem\n"
                         "  gbuild ls -R golem-example\n");
    }

    int run(Console& console) override {
        ImageArgument image = find_image_argument(image_, store_root(root_));
        tree::Tree tree = pack::ImageReader(image.file).read_tree();
        // A trailing slash asks for what a symbolic link points to, as with ls.
        bool follow = !path_.empty() && path_.back() == '/';
        FoundNode found = find_node(tree, path_, follow ? tree::FollowLast::yes : tree::FollowLast::no, image.file);
        Json json = Json::array();
        std::string text;
        auto add = [&](const std::string& path, const tree::Inode& inode) {
            if (format_ == "json")
                json.push_back(file_json(path, inode));
            else
                text += file_line(path, inode);
        };
        if (directory_)
            add(found.path, *found.node.inode);
        else
            list_files(found.node, found.path, recursive_ ? Depth::all : Depth::children, add);
        console.out.write(format_ == "json" ? json_document(json) : text);
        return 0;
    }

  private:
    std::string image_, path_, root_, format_ = "text";
    bool recursive_ = false, directory_ = false;
};

}  // namespace

std::unique_ptr<Command> make_ls_command() { return std::make_unique<LsCommand>(); }

}  // namespace gbuild::cli
