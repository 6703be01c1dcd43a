// The parts of the report's page, put in when gbuild is compiled: src/cli/report.
#pragma once

#include <string_view>

namespace gbuild::cli {

extern const std::string_view report_html, report_css, report_js;

}  // namespace gbuild::cli
