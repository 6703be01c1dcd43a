// What `gbuild diff` prints.
#pragma once

#include <string>

#include "gbuild/cli/console.h"
#include "gbuild/cli/json_text.h"
#include "gbuild/compare/differences.h"

namespace gbuild::cli {

// The images' names as the user gave them.
struct ComparedNames {
    std::string a, b;
};

// --- a.gvmi
// +++ b.gvmi
// Files: 1 added, 0 removed, 1 changed
//     etc/
//   ~   hosts
//           mode: 0644 -> 0600
//   +   new
// Configuration:
//   Labels.version: "1" -> "2"
// First differing byte: 4711, in the inode table
//
// Empty when nothing differs.
std::string differences_text(const ComparedNames& names, const compare::Differences& differences, Color color);

// Keys: see the man page.
Json differences_json(const ComparedNames& names, const compare::Differences& differences);

}  // namespace gbuild::cli
