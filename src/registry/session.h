// Requests to a registry's API, authorised as the registry asks.
#pragma once

#include "authorizer.h"

namespace gbuild::registry {

class Session {
  public:
    Session(Transport& transport, Authorizer& authorizer) : transport_(transport), authorizer_(authorizer) {}

    // GET /v2/REPOSITORY/PATH. The answer may be a failure, but no 401 of the registry's own: that is thrown as
    // unauthorized.
    Response get(const Place& place, const std::string& path, std::vector<std::string> headers, BodyReceiver& receiver,
                 const std::stop_token& stop);

  private:
    Transport& transport_;
    Authorizer& authorizer_;
};

}  // namespace gbuild::registry
