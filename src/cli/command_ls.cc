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
        options.argument("IMAGE", image_, Presence::required, image_argument_help);
        options.arguments("PATH", paths_, "files or directories in the image (default: /)", Presence::optional);
        options.group("Options");
        options.flag("-R,--recursive", recursive_, "list everything below");
        options.flag("-d,--directory", directory_, "list a directory itself, not what is in it");
        options.choice("--format", {"text", "json"}, format_, "what is printed");
        declare_root(options, root_);
        options.foreign(foreign_options("ls"), notices_);
        options.epilogue("Columns: mode, owner (uid/gid), size or device number, time (UTC), path.\n"
                         "\n"
                         "Examples:\n"
                         "  gbuild ls golem-example-latest.gvmi /golem\n"
                         "  gbuild ls -R golem-example\n");
    }

    int run(Console& console) override {
        ImageArgument image = find_image_argument(image_, store_root(root_));
        tree::Tree tree = pack::ImageReader(image.file).read_tree();
        Json json = Json::array();
        std::string text;
        auto add = [&](const std::string& path, const tree::Inode& inode) {
            if (format_ == "json")
                json.push_back(file_json(path, inode));
            else
                text += file_line(path, inode);
        };
        if (paths_.empty()) paths_.emplace_back();
        for (const std::string& path : paths_) {
            // A trailing slash asks for what a symbolic link points to, as with ls.
            const auto follow = path.ends_with('/') ? tree::FollowLast::yes : tree::FollowLast::no;
            const FoundNode found = find_node(tree, path, follow, image.file);
            if (directory_)
                add(found.path, *found.node.inode);
            else
                list_files(found.node, found.path, recursive_ ? Depth::all : Depth::children, add);
        }
        console.out.write(format_ == "json" ? json_document(json) : text);
        return 0;
    }

  private:
    std::string image_, root_, format_ = "text";
    std::vector<std::string> paths_, notices_;
    bool recursive_ = false, directory_ = false;
};

}  // namespace

std::unique_ptr<Command> make_ls_command() { return std::make_unique<LsCommand>(); }

}  // namespace gbuild::cli
