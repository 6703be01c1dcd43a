#include "session.h"

namespace gbuild::registry {

Response Session::get(const Place& place, const std::string& path, std::vector<std::string> headers,
                      BodyReceiver& receiver, const std::stop_token& stop) {
    Request request;
    request.url = place.base;
    request.url.path = "/v2/" + place.repository + "/" + path;
    request.headers = std::move(headers);
    request.authorization = authorizer_.current(place, stop);
    // The host of a redirect may say 401, too, but gets no answer from us.
    auto is_refusal = [&](const Response& response) {
        return response.status == 401 && response.url.same_origin(request.url);
    };
    Response response = transport_.send_following(request, receiver, stop);
    if (!is_refusal(response)) return response;
    request.authorization = authorizer_.answer(place, response, request.authorization, stop);
    response = transport_.send_following(request, receiver, stop);
    if (is_refusal(response)) throw authorizer_.refused(place);
    return response;
}

}  // namespace gbuild::registry
