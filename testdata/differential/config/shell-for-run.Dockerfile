FROM box
SHELL ["/bin/sh", "-ec"]
RUN echo "$-" | grep -q e && echo strict > /made; false || true
