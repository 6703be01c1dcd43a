#include "session.h"

namespace gbuild::registry {

Url api_url(const Place& place, const std::string& path) {
    Url url = place.base;
    url.path = "/v2/" + place.repository + "/" + path;
    return url;
}

Response Session::send(const Place& place, Request request, BodyReceiver& receiver, const std::stop_token& stop) {
    // Another origin (of an upload, or of a redirect) may say 401, too, but gets no answer from us.
    if (!request.url.same_origin(place.base)) return transport_.send_following(std::move(request), receiver, stop);
    auto is_refusal = [&](const Response& response) {
        return response.status == 401 && response.url.same_origin(place.base);
    };
    request.authorization = authorizer_.current(place, stop);
    Response response = transport_.send_following(request, receiver, stop);
    if (!is_refusal(response)) return response;
    request.authorization = authorizer_.answer(place, response, request.authorization, stop);
    response = transport_.send_following(request, receiver, stop);
    if (!is_refusal(response)) return response;
    request.authorization = authorizer_.last_answer(place, response, request.authorization);
    response = transport_.send_following(request, receiver, stop);
    if (is_refusal(response)) throw authorizer_.refused(place);
    return response;
}

Response Session::get(const Place& place, const std::string& path, std::vector<std::string> headers,
                      BodyReceiver& receiver, const std::stop_token& stop) {
    Request request;
    request.url = api_url(place, path);
    request.headers = std::move(headers);
    return send(place, std::move(request), receiver, stop);
}

}  // namespace gbuild::registry
