#include <unistd.h>

#include <filesystem>

#include <fmt/format.h>

#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/build_settings.h"
#include "gbuild/cli/command.h"
#include "gbuild/cli/display.h"
#include "gbuild/cli/file_list.h"
#include "gbuild/cli/image_argument.h"
#include "gbuild/exporter/layer.h"
#include "gbuild/layer/extract.h"
#include "gbuild/pack/image_reader.h"

namespace gbuild::cli {

namespace {

class ExtractCommand final : public Command {
  public:
    void declare(OptionSet& options) override {
        options.argument("IMAGE", image_, Presence::required, image_argument_help);
        options.argument("PATH", path_, Presence::optional, "file or directory in the image (default: everything)");
        options.group("Options");
        options.value("-o,-C,--output,--directory", "DIR", directory_,
                      "where to; made when it is not there; - writes a tar archive to standard output (required)");
        options.flag("--preserve", preserve_, "as root: with owners, setuid bits, capabilities and security labels");
        declare_root(options, root_);
        options.epilogue(
            "The files belong to who extracts them. Owners, setuid and setgid bits, capabilities and other trusted.*\n"
            "and security.* attributes are left out, and device nodes unless root extracts; what is left out is said.\n"
            "As root, --preserve keeps them all. The files of an image that you do not trust are better left without.\n"
            "\n"
            "Examples:\n"
            "  gbuild extract golem-example-latest.gvmi -o tree\n"
            "  gbuild extract golem-example /etc/passwd -C /tmp\n"
            "  gbuild extract golem-example /etc -o - | tar -t\n");
    }

    int run(Console& console) override {
        if (directory_.empty()) {
            throw Error(ErrorKind::usage, "no directory to extract to").hint("give one with -o DIR");
        }
        if (preserve_ && ::geteuid() != 0) {
            throw Error(ErrorKind::permission,
                        "--preserve gives files to the owners they have in the image, which needs root")
                .hint("leave --preserve out, or use sudo");
        }
        ImageArgument image = find_image_argument(image_, store_root(root_));
        pack::ImageReader reader(image.file);
        tree::Tree tree = reader.read_tree();
        FoundNode found = find_node(tree, path_, tree::FollowLast::no, image.file);
        if (directory_ == "-") return write_archive(console, reader, tree, found.path);
        layer::ExtractOptions options;
        options.devices = ::geteuid() == 0;
        options.ownership = preserve_ ? layer::Ownership::apply : layer::Ownership::ignore;
        options.read = [&](const tree::Inode& inode, const auto& consume) { reader.read_file(inode, consume); };
        std::filesystem::create_directories(directory_);
        const auto summary =
            with_context([&] { return fmt::format("extracting to {}", quoted(directory_)); },
                         [&] { return layer::extract(tree, found.path, RootedDir(directory_), options); });
        tell(console, summary, options.ownership);
        return 0;
    }

  private:
    static int write_archive(Console& console, pack::ImageReader& reader, const tree::Tree& tree,
                             const std::string& path) {
        if (console.out.is_terminal()) {
            throw Error(ErrorKind::usage, "an archive is not written to a terminal")
                .hint("use a pipe, or give a directory with -o DIR");
        }
        const auto left_out = exporter::write_tar(
            tree, path, [&](const tree::Inode& inode, const auto& take) { reader.read_file(inode, take); }, {},
            [&](std::span<const std::byte> bytes) { console.out.write(as_text(bytes)); });
        for (const auto& skipped : left_out) {
            console.err.write(fmt::format("gbuild: left out {}\n", safe_text(skipped)));
        }
        return 0;
    }

    void tell(Console& console, const layer::ExtractSummary& summary, layer::Ownership ownership) const {
        for (const auto& skipped : summary.skipped) {
            console.err.write(fmt::format("gbuild: left out {}\n", safe_text(skipped)));
        }
        if (ownership == layer::Ownership::ignore) {
            console.err.write("gbuild: all files belong to you; as root, --preserve keeps their owners\n");
        }
        console.out.write(fmt::format("{} {}, {}, in {}\n", summary.files, summary.files == 1 ? "file" : "files",
                                      human_size(summary.bytes), safe_text(directory_)));
    }

    std::string image_, path_, directory_, root_;
    bool preserve_ = false;
};

}  // namespace

std::unique_ptr<Command> make_extract_command() { return std::make_unique<ExtractCommand>(); }

}  // namespace gbuild::cli
