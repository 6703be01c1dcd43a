#include <archive.h>
#include <curl/curl.h>
#include <openssl/crypto.h>

#include <fmt/format.h>

#include "gbuild/cli/command.h"
#include "gbuild/cli/json_text.h"
#include "gbuild/commit.h"
#include "gbuild/git/repository.h"
#include "gbuild/pack/options.h"

namespace gbuild::cli {

namespace {

class VersionCommand final : public Command {
  public:
    void declare(OptionSet& options) override {
        options.group("Options");
        options.choice("--format", {"text", "json"}, format_, "what is printed");
        options.epilogue("gzip, the default, is compressed by gbuild itself up to level 9 and gives the same bytes "
                         "everywhere. Another\n"
                         "version of a library may compress differently, and so give other bytes at levels 10 to 12 "
                         "and in other formats.\n");
    }

    int run(Console& console) override {
        std::vector<std::string> libraries{fmt::format("libcurl {}", curl_version_info(CURLVERSION_NOW)->version),
                                           archive_version_string(), git::library_version(),
                                           OpenSSL_version(OPENSSL_VERSION)};
        std::vector<std::string> compressors = pack::compressor_versions();
        const std::string commit = GBUILD_COMMIT;  // "" where gbuild was built from an archive
        if (format_ == "json") {
            console.out.write(json_document(Json{{"version", GBUILD_VERSION},
                                                 {"commit", commit},
                                                 {"compressors", compressors},
                                                 {"libraries", libraries}}));
            return 0;
        }
        std::string text = fmt::format("gbuild {}{}\ncompressors:\n", GBUILD_VERSION,
                                       commit.empty() ? "" : fmt::format(" ({})", commit));
        for (const auto& name : compressors) text += fmt::format("  {}\n", name);
        text += "libraries:\n";
        for (const auto& name : libraries) text += fmt::format("  {}\n", name);
        console.out.write(text);
        return 0;
    }

  private:
    std::string format_ = "text";
};

}  // namespace

std::unique_ptr<Command> make_version_command() { return std::make_unique<VersionCommand>(); }

}  // namespace gbuild::cli
