FROM box
SHELL ["/bin/sh", "-eo", "pipefail", "-c"]
RUN echo x | cat > /x
RUN ! (false | true) && echo strict > /strict
