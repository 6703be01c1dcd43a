#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/build_settings.h"
#include "gbuild/cli/command.h"
#include "gbuild/cli/display.h"
#include "gbuild/cli/image_argument.h"
#include "gbuild/cli/image_table.h"
#include "gbuild/store/store.h"

namespace gbuild::cli {

namespace {

class RmiCommand final : public Command {
  public:
    void declare(OptionSet& options) override {
        options.arguments("NAME", names_,
                          "names that gbuild images lists, as NAME[:TAG], or ids: all names of that image");
        options.group("Options");
        options.flag("--delete-file", delete_file_,
                     "delete the .gvmi, too, unless it has other names or is no longer what was built");
        declare_root(options, root_);
        options.foreign(foreign_options("rmi"), notices_);
        options.epilogue(
            "A name is forgotten; the .gvmi file is yours, and stays where it is unless --delete-file is given.\n"
            "\n"
            "Examples:\n"
            "  gbuild rmi app:1.0\n"
            "  gbuild rmi --delete-file app:1.0 app:1.1\n");
    }

    int run(Console& console) override {
        tell(notices_, console);
        const std::filesystem::path root = store_root(root_);
        std::optional<Error> missing;
        for (const std::string& text : names_) {
            const auto records = find_images(text, root);
            for (const store::ImageRecord& record : records) remove(record, root, console);
            if (records.empty() && !missing) missing = no_such_name(text, root);
        }
        if (missing) throw Error(*missing);
        return 0;
    }

  private:
    static Error no_such_name(const std::string& text, const std::filesystem::path& root) {
        std::error_code ignored;
        if (std::filesystem::is_regular_file(text, ignored)) {
            return Error(ErrorKind::not_found, fmt::format("no image has the name {}, which is a file", quoted(text)))
                .hint("rmi forgets names; rm deletes files");
        }
        return Error(ErrorKind::not_found, fmt::format("no image has the name or id {}", quoted(text)))
            .hint(image_name_hint(text, store::list_images(root)));
    }

    void remove(const store::ImageRecord& record, const std::filesystem::path& root, Console& console) const {
        // Looked at before the name is gone: that is what tells which image the file should be.
        const FileState state = file_state(record);
        store::Store(root).remove_image(record.repository, record.tag);
        console.out.write(fmt::format("Untagged: {}\n", safe_text(record.repository + ":" + record.tag)));
        if (!delete_file_ || state == FileState::missing) return;
        if (state == FileState::replaced) {
            return console.out.write(fmt::format("kept {}, which is no longer that image\n", safe_text(record.file)));
        }
        const auto others = store::list_images(root);
        const auto other = std::find_if(others.begin(), others.end(),
                                        [&](const store::ImageRecord& image) { return image.file == record.file; });
        if (other != others.end()) {
            return console.out.write(fmt::format("kept {}, which is {}:{}, too\n", safe_text(record.file),
                                                 safe_text(other->repository), safe_text(other->tag)));
        }
        if (::unlink(record.file.c_str()) != 0 && errno != ENOENT) {
            throw_errno(fmt::format("cannot delete {}", quoted(record.file)));
        }
        console.out.write(fmt::format("Deleted: {}\n", safe_text(record.file)));
    }

    std::vector<std::string> names_, notices_;
    std::string root_;
    bool delete_file_ = false;
};

}  // namespace

std::unique_ptr<Command> make_rmi_command() { return std::make_unique<RmiCommand>(); }

}  // namespace gbuild::cli
