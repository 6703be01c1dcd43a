#include <algorithm>
#include <chrono>
#include <ctime>
#include <set>

#include <fmt/format.h>

#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/build_settings.h"
#include "gbuild/cli/command.h"
#include "gbuild/cli/image_argument.h"
#include "gbuild/cli/manifest_file.h"
#include "gbuild/cli/side_file.h"
#include "gbuild/golem/image_hash.h"
#include "gbuild/golem/manifest_signature.h"
#include "gbuild/golem/payload_manifest.h"
#include "gbuild/pack/image_reader.h"
#include "gbuild/registry/base64.h"

namespace gbuild::cli {

namespace {

constexpr size_t max_key_size = 1u << 20;
constexpr int64_t seconds_a_day = 86400;
constexpr const char* verify_word = "verify";

// "90d", "12h", "2w": seconds; nullopt for anything else.
std::optional<int64_t> parse_span(std::string_view text) {
    constexpr std::string_view units = "smhdw";
    constexpr int64_t seconds[] = {1, 60, 3600, seconds_a_day, 7 * seconds_a_day};
    const size_t unit = text.empty() ? std::string_view::npos : units.find(text.back());
    if (unit == std::string_view::npos) return std::nullopt;
    const auto number = parse_decimal(text.substr(0, text.size() - 1));
    if (!number || *number > 1'000'000'000) return std::nullopt;
    return static_cast<int64_t>(*number) * seconds[unit];
}

int64_t current_time() { return static_cast<int64_t>(std::time(nullptr)); }

class ManifestCommand final : public Command {
  public:
    void declare(OptionSet& options) override {
        options.arguments("IMAGE", words_,
                          "a .gvmi file, or a tag of gbuild images; or verify and the FILE of a manifest or of signed "
                          "properties");
        options.group("The image");
        options.list("--url", "URL", urls_, "where providers get the image; repeatable");
        options.value("--os-version", "VERSION", os_version_, "version of the system that the image is for");
        options.group("What its commands may do");
        options.list("--outbound", "URL|unrestricted", outbound_,
                     "what the image may reach in the internet: a URL, repeatable, or unrestricted");
        options.list("--protocol", "NAME", protocols_,
                     "protocol of --outbound (default: those of its URLs, or http, https, ws and wss); repeatable");
        options.list("--commands", "REGEX", commands_,
                     "the only commands that a script may contain, such as \"run /bin/date -R\"; repeatable");
        options.choice("--match", {"regex", "strict"}, match_, "how commands are compared with --commands");
        options.group("The application");
        options.value("--name", "NAME", name_, "its name (default: the image's)");
        options.value("--app-version", "VERSION", version_, "its semantic version");
        options.value("--description", "TEXT", description_, "what it is");
        options.list("--author", "NAME", authors_, "who made it; repeatable");
        options.value("--homepage", "URL", homepage_, "where to read more");
        options.group("The manifest");
        options.value("--timestamp", "TIME", timestamp_,
                      "when it was made, in seconds since 1970 or as 2024-05-01T12:00:00Z (default: SOURCE_DATE_EPOCH, "
                      "then now); of verify: the time at which it has to be valid");
        options.value("--expires", "TIME|AGE", expires_, "until when it is valid: a time, or 12h, 90d, 52w after that");
        options.value("-o,--output", "FILE", output_, "where it is written; - is standard output");
        options.flag("--base64", base64_, "write it in base64, as SDKs take it");
        options.value("--sign", "KEY", key_,
                      "write the properties of a demand, with a signature by this private key (PEM or DER)");
        options.value("--certificate", "FILE", certificate_,
                      "the certificate of --sign's key (PEM or DER), behind those that lead to it");
        options.group("Of verify");
        options.value("--image", "IMAGE", image_, "a .gvmi or tag that the manifest has to be about");
        options.value("--ca-file", "FILE", authorities_, "PEM certificates that have to vouch for the signer's");
        declare_root(options, root_);
        options.epilogue("Environment: SOURCE_DATE_EPOCH, GBUILD_KEY_PASSPHRASE (of the key).\n"
                         "\n"
                         "Examples:\n"
                         "  gbuild manifest app --url https://example.org/app.gvmi --outbound https://api.example.org\n"
                         "  gbuild manifest app --url URL --outbound unrestricted --sign key.pem --certificate "
                         "chain.pem > demand.json\n"
                         "  gbuild manifest verify demand.json --ca-file ca.pem --image app\n");
    }

    int run(Console& console) override {
        if (words_.front() == verify_word) return verify(console);
        if (words_.size() > 1) {
            throw Error(ErrorKind::usage, fmt::format("one image is enough: {} is too many", quoted(words_[1])))
                .hint("see gbuild manifest --help");
        }
        if (!image_.empty() || !authorities_.empty()) {
            throw Error(ErrorKind::usage, "--image and --ca-file are for gbuild manifest verify")
                .hint("write gbuild manifest verify FILE");
        }
        const std::string text = make_text(console);
        SideFile("--output", output_).write(text, console.out);
        return 0;
    }

  private:
    int64_t time_of(const Console& console, int64_t otherwise) const {
        if (!timestamp_.empty()) return parse_timestamp(timestamp_, "--timestamp");
        const std::string epoch = console.env("SOURCE_DATE_EPOCH").value_or("");
        return epoch.empty() ? otherwise : parse_timestamp(epoch, "SOURCE_DATE_EPOCH");
    }

    std::string make_text(Console& console) const {
        if (key_.empty() != certificate_.empty()) {
            throw Error(ErrorKind::usage,
                        key_.empty() ? "--certificate is for --sign" : "--sign takes a certificate, too")
                .hint("give both: --sign KEY --certificate FILE");
        }
        const std::string json = golem::to_json(manifest(console));
        const std::string encoded = registry::base64_encode(json);
        if (!key_.empty()) return json_document(signed_properties(encoded, console));
        return base64_ ? encoded + "\n" : json;
    }

    Json signed_properties(const std::string& encoded, const Console& console) const {
        const std::string certificates = read_text_file(certificate_, max_key_size);
        const golem::CertificateFacts facts = golem::certificate_facts(certificates);
        if (facts.not_after < current_time()) {
            console.err.write(fmt::format("gbuild: warning: the certificate expired at {}, and providers refuse it\n",
                                          format_rfc3339(facts.not_after)));
        }
        const std::string signature = golem::sign_manifest(encoded, read_text_file(key_, max_key_size), certificates,
                                                           [&] { return console.env("GBUILD_KEY_PASSPHRASE"); });
        return properties_json({encoded, registry::base64_encode(signature), certificates});
    }

    golem::PayloadManifest manifest(const Console& console) const {
        const ImageArgument image = find_image_argument(words_.front(), store_root(root_));
        golem::PayloadManifest manifest;
        manifest.created_at = time_of(console, current_time());
        manifest.expires_at = expiry(manifest.created_at);
        golem::PayloadManifest::Metadata metadata;
        metadata.name = name_.empty() ? default_name(image) : name_;
        metadata.version = version_;
        metadata.description = description_;
        metadata.authors = authors_;
        metadata.homepage = homepage_;
        manifest.metadata = std::move(metadata);
        const golem::ImageHash hash{pack::ImageReader(image.file).sha3()};
        manifest.payload = {{golem::PayloadManifest::Platform{"x86_64", "linux", os_version_}, urls_, hash.manifest()}};
        if (!commands_.empty()) manifest.script = {commands_, match_};
        manifest.outbound = outbound();
        warn_of_commands(console);
        return manifest;
    }

    static std::string default_name(const ImageArgument& image) {
        return image.record ? image.record->repository : std::filesystem::path(image.file).stem().native();
    }

    int64_t expiry(int64_t created) const {
        if (const auto span = parse_span(expires_)) return created + *span;
        return parse_timestamp(expires_, "--expires");
    }

    std::optional<golem::PayloadManifest::Outbound> outbound() const {
        if (outbound_.empty()) {
            if (protocols_.empty()) return std::nullopt;
            throw Error(ErrorKind::usage, "--protocol is for --outbound")
                .hint("add --outbound URL or --outbound unrestricted");
        }
        golem::PayloadManifest::Outbound result;
        const bool unrestricted = std::find(outbound_.begin(), outbound_.end(), "unrestricted") != outbound_.end();
        if (unrestricted && outbound_.size() > 1) {
            throw Error(ErrorKind::usage, "--outbound is unrestricted, or a list of URLs, but not both")
                .hint("leave one of them out");
        }
        if (!unrestricted) result.urls = outbound_;
        result.protocols = protocols_;
        if (!result.protocols.empty()) return result;
        if (unrestricted) {
            result.protocols = {"http", "https", "ws", "wss"};
            return result;
        }
        std::set<std::string> schemes;
        for (const std::string& url : outbound_) schemes.insert(golem::scheme_of(url));
        schemes.erase("");  // no URL: what is written from the manifest says so
        result.protocols.assign(schemes.begin(), schemes.end());
        return result;
    }

    // A provider compares them with whole commands of the script, the word for what is done included.
    void warn_of_commands(const Console& console) const {
        static constexpr std::string_view words[] = {"run", "transfer", "deploy", "start", "terminate", "sign"};
        for (const std::string& command : commands_) {
            const std::string_view bare = command.starts_with('^') ? std::string_view(command).substr(1) : command;
            const bool known = std::any_of(std::begin(words), std::end(words),
                                           [&](std::string_view word) { return bare.starts_with(word); });
            const bool pattern = !bare.empty() && std::string_view(".([{\\").find(bare[0]) != std::string_view::npos;
            if (known || pattern) continue;
            console.err.write(
                fmt::format("gbuild: warning: no command of a script begins like {}\nhint: write \"run {}\"\n",
                            quoted(command), printable(command)));
        }
    }

    int verify(Console& console) {
        if (words_.size() != 2) {
            throw Error(ErrorKind::usage, "gbuild manifest verify takes one file")
                .hint("an image of that name is reached as ./verify");
        }
        const ManifestFile file = read_manifest_file(words_[1]);
        const int64_t time = time_of(console, current_time());
        const golem::PayloadManifest manifest = golem::parse_payload_manifest(file.json());
        require_valid_at(manifest, time);
        if (!image_.empty()) require_image(manifest);
        std::string text = "Valid until " + format_rfc3339(manifest.expires_at) + "\n";
        for (const auto& payload : manifest.payload) text += payload.hash + "\n";
        if (file.signature.empty() && !authorities_.empty()) {
            throw Error(ErrorKind::integrity, "the manifest is not signed")
                .hint("verify the properties that gbuild manifest --sign writes");
        }
        if (!file.signature.empty()) text += verify_signature(file, time);
        console.out.write(text);
        return 0;
    }

    static void require_valid_at(const golem::PayloadManifest& manifest, int64_t time) {
        if (time < manifest.expires_at) return;
        throw Error(ErrorKind::integrity,
                    fmt::format("the manifest expired at {}", format_rfc3339(manifest.expires_at)))
            .hint("write a new one with gbuild manifest");
    }

    void require_image(const golem::PayloadManifest& manifest) const {
        const ImageArgument image = find_image_argument(image_, store_root(root_));
        const golem::ImageHash hash{pack::ImageReader(image.file).sha3()};
        for (const auto& payload : manifest.payload) {
            if (golem::ImageHash::parse(payload.hash) == hash) return;
        }
        throw Error(ErrorKind::integrity, fmt::format("the manifest is about another image than {}", quoted(image_)))
            .hint(fmt::format("its hash is {}", hash.manifest()));
    }

    std::string verify_signature(const ManifestFile& file, int64_t time) const {
        std::optional<std::string> authorities;
        if (!authorities_.empty()) authorities = read_text_file(authorities_, max_key_size);
        golem::verify_manifest(file.base64, file.signature_bytes(), file.certificates, authorities, time);
        const golem::CertificateFacts facts = golem::certificate_facts(file.certificates);
        return fmt::format("Signed by {}{}\n", printable(facts.subject),
                           authorities ? "" : " (give --ca-file to verify who vouches for that)");
    }

    std::vector<std::string> words_, urls_, outbound_, protocols_, commands_, authors_;
    std::optional<std::string> os_version_, description_, homepage_;
    std::string name_, version_ = "0.1.0", match_ = "regex", timestamp_, expires_ = "90d", output_ = "-";
    std::string key_, certificate_, image_, authorities_, root_;
    bool base64_ = false;
};

}  // namespace

std::unique_ptr<Command> make_manifest_command() { return std::make_unique<ManifestCommand>(); }

}  // namespace gbuild::cli
