// What push, resolve and pull print.
#pragma once

#include <string>

#include "gbuild/cli/json_text.h"
#include "gbuild/publish/publisher.h"

namespace gbuild::cli {

// Lines for people. `file` is as the user knows it.
std::string push_text(const publish::PushJob& job, const publish::PushResult& result);
// What names the image in a requestor's script, for a terminal; empty for a dry run.
std::string push_paste_lines(const publish::PushJob& job, const publish::PushResult& result);
// Keys: see the man page.
Json push_json(const publish::PushJob& job, const publish::PushResult& result);

std::string resolved_text(const std::string& asked, const publish::ResolvedImage& image);
// Keys: asked, sha3, manifestHash, taskPackage, http, https, size; the last three are null where the registry does not
// say.
Json resolved_json(const std::string& asked, const publish::ResolvedImage& image);

}  // namespace gbuild::cli
