FROM box
RUN echo "$HTTP_PROXY $https_proxy" > /seen
ENV X=<$HTTP_PROXY>
