// Requests to a registry's API, authorised as the registry asks.
#pragma once

#include "authorizer.h"

namespace gbuild::registry {

class Session {
  public:
    Session(Transport& transport, Authorizer& authorizer) : transport_(transport), authorizer_(authorizer) {}

    // A request to any URL; redirects are followed. Only the place's own origin gets an Authorization. The answer may
    // be a failure, but no 401 of the place's own: that is thrown as unauthorized.
    Response send(const Place& place, Request request, BodyReceiver& receiver, const std::stop_token& stop);
    // GET /v2/REPOSITORY/PATH.
    Response get(const Place& place, const std::string& path, std::vector<std::string> headers, BodyReceiver& receiver,
                 const std::stop_token& stop);

  private:
    Transport& transport_;
    Authorizer& authorizer_;
};

// /v2/REPOSITORY/PATH there.
Url api_url(const Place& place, const std::string& path);

}  // namespace gbuild::registry
