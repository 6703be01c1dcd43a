#include <limits>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/cli/build_settings.h"
#include "gbuild/golem/contract_rules.h"

namespace gbuild::cli {

namespace {

std::string_view zstd_reason() { return golem::contract_rule("zstd-unmountable").vm; }

pack::Codec checked_codec(const std::string& name, bool zstd_allowed) {
    auto codec = pack::parse_codec(name);
    if (!codec) {
        throw Error(ErrorKind::usage, fmt::format("--compression {}: no such compression", quoted(name)))
            .hint("gzip, lzo, lz4, xz, or zstd");
    }
    if (*codec == pack::Codec::zstd && !zstd_allowed) {
        throw Error(ErrorKind::usage, fmt::format("providers cannot mount a zstd image: {}", zstd_reason()))
            .hint("use gzip (the default), or add --allow-unmountable-zstd for an image that no provider will see");
    }
    return *codec;
}

// Numbers only: PackOptions::check() knows the ranges.
int level_number(const std::string& text, pack::Codec codec) {
    if (text.empty()) return pack::level_range(codec).standard;
    auto level = parse_decimal(text);
    if (!level || *level > static_cast<uint64_t>(std::numeric_limits<int>::max())) {
        throw Error(ErrorKind::usage, fmt::format("--compression-level {}: not a number", quoted(text)));
    }
    return static_cast<int>(*level);
}

uint32_t block_size_number(const std::string& text) {
    auto size = parse_size(text);
    if (!size || *size > std::numeric_limits<uint32_t>::max()) {
        throw Error(ErrorKind::usage, fmt::format("--block-size {}: not a size", quoted(text)))
            .hint("a power of two from 4K to 1M");
    }
    return static_cast<uint32_t>(*size);
}

}  // namespace

std::optional<uint64_t> parse_size(std::string_view text) {
    // As docker's: 512m, 512mb, 512MiB.
    const std::string lower = to_lower(text);
    for (std::string_view end : {"ib", "b"}) {
        const size_t unit = lower.size() < end.size() + 1 ? std::string::npos : lower.size() - end.size() - 1;
        if (!lower.ends_with(end) || unit == std::string::npos ||
            std::string_view("kmg").find(lower[unit]) == std::string_view::npos)
            continue;
        text.remove_suffix(end.size());
        break;
    }
    unsigned shift = 0;
    if (!text.empty() && (text.back() == 'K' || text.back() == 'k')) shift = 10;
    if (!text.empty() && (text.back() == 'M' || text.back() == 'm')) shift = 20;
    if (!text.empty() && (text.back() == 'G' || text.back() == 'g')) shift = 30;
    if (shift != 0) text.remove_suffix(1);
    auto number = parse_decimal(text);
    if (!number || *number > std::numeric_limits<uint64_t>::max() >> shift) return std::nullopt;
    return *number << shift;
}

int64_t parse_timestamp(std::string_view text, std::string_view what) {
    // Configurations and annotations hold it as an RFC 3339 date, whose years have four digits.
    constexpr uint64_t last = 253'402'300'799;
    if (auto seconds = parse_decimal(text)) {
        if (*seconds <= last) return static_cast<int64_t>(*seconds);
        throw Error(ErrorKind::usage, fmt::format("{} {}: that is after the year 9999", what, quoted(text)))
            .hint(fmt::format("seconds since 1970 go from 0 to {} (9999-12-31T23:59:59Z)", last));
    }
    if (auto time = parse_rfc3339(text)) return *time;
    throw Error(ErrorKind::usage, fmt::format("{} {}: not a time", what, quoted(text)))
        .hint("give seconds since 1970, or a time such as 2024-05-01T12:00:00Z");
}

void ImageSettings::declare(OptionSet& options) {
    options.group("The image");
    options.value(
        "--timestamp", "TIME", timestamp,
        "time of what the build makes, in seconds since 1970 or as 2024-05-01T12:00:00Z (default: "
        "SOURCE_DATE_EPOCH as a build argument, an ARG before FROM or in the environment, then the base image's)");
    options.value("--compression", "gzip|lzo|lz4|xz|zstd", compression, "how the image is compressed");
    options.value("--compression-level", "N", level, "on the compression's own scale");
    options.value("--block-size", "SIZE", block_size, "squashfs block size: a power of two from 4K to 1M");
    options.flag("--allow-unmountable-zstd", allow_unmountable_zstd,
                 fmt::format("let --compression zstd make an image that no provider can mount: {}", zstd_reason()));
    options.choice(
        "--vm-user", {"root", "image"}, vm_user,
        "whom commands in the VM run as: root, because no other user can write to a volume there, or whom the "
        "image's USER names");
    options.flag(
        "--env-profile", env_profile,
        "write the image's variables to /etc/profile.d/image-env.sh, too: runtimes that start programs without "
        "them can use sh -lc");
}

void ImageSettings::apply(build::BuildOptions& build, const Console& console) const {
    build.packing.codec = checked_codec(compression, allow_unmountable_zstd);
    build.packing.level = level_number(level, build.packing.codec);
    build.packing.block_size = block_size_number(block_size);
    build.packing.check();
    build.vm_user = vm_user == "image" ? build::VmUser::image : build::VmUser::root;
    build.env_profile = env_profile;
    if (!timestamp.empty()) {
        build.timestamp = parse_timestamp(timestamp, "--timestamp");
    } else if (auto epoch = console.env("SOURCE_DATE_EPOCH"); epoch && !epoch->empty()) {
        build.environment_epoch = parse_timestamp(*epoch, "SOURCE_DATE_EPOCH");
    }
}

}  // namespace gbuild::cli
