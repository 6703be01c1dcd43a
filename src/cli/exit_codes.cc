#include "gbuild/cli/exit_codes.h"

namespace gbuild::cli {

int exit_code(ErrorKind kind) {
    switch (kind) {
    case ErrorKind::usage: return 2;
    case ErrorKind::dockerfile: return 3;
    case ErrorKind::not_found: return 4;
    case ErrorKind::unauthorized: return 5;
    case ErrorKind::network: return 6;
    case ErrorKind::integrity: return 7;
    case ErrorKind::unsupported:
    case ErrorKind::limit: return 8;
    case ErrorKind::io:
    case ErrorKind::no_space:
    case ErrorKind::permission: return 9;
    case ErrorKind::conflict: return 10;
    case ErrorKind::step_failed: return 11;
    case ErrorKind::interrupted: return 130;
    case ErrorKind::internal: break;
    }
    return 1;
}

std::string_view kind_name(ErrorKind kind) {
    switch (kind) {
    case ErrorKind::usage: return "usage";
    case ErrorKind::dockerfile: return "dockerfile";
    case ErrorKind::not_found: return "not-found";
    case ErrorKind::unauthorized: return "unauthorized";
    case ErrorKind::network: return "network";
    case ErrorKind::integrity: return "integrity";
    case ErrorKind::unsupported: return "unsupported";
    case ErrorKind::limit: return "limit";
    case ErrorKind::io: return "io";
    case ErrorKind::no_space: return "no-space";
    case ErrorKind::permission: return "permission";
    case ErrorKind::conflict: return "conflict";
    case ErrorKind::step_failed: return "step-failed";
    case ErrorKind::interrupted: return "interrupted";
    case ErrorKind::internal: break;
    }
    return "internal";
}

}  // namespace gbuild::cli
